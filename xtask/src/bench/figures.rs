//! What was measured: figures by name, as the scripts and programs print them.

use std::collections::BTreeMap;

use serde::Deserialize;

/// All figures of a run, and why some are missing.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    taken: BTreeMap<String, Figure>,
    missing: BTreeMap<String, String>,
}

/// A number that was measured once or more, with its unit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Figure {
    pub(crate) unit: String,
    /// In rising order; never empty.
    values: Vec<f64>,
}

/// A line of a script: a figure, or the reason why there is none.
#[derive(Deserialize)]
#[serde(untagged)]
enum Line {
    Taken { figure: String, unit: String, values: Vec<f64> },
    Missing { figure: String, missing: String },
}

impl Figure {
    /// `None` without values.
    pub(crate) fn new(unit: impl Into<String>, mut values: Vec<f64>) -> Option<Self> {
        values.retain(|value| value.is_finite());
        values.sort_by(f64::total_cmp);
        (!values.is_empty()).then(|| Self { unit: unit.into(), values })
    }

    pub(crate) fn median(&self) -> f64 {
        let middle = self.values.len() / 2;
        match self.values.len() % 2 {
            1 => self.values[middle],
            _ => f64::midpoint(self.values[middle - 1], self.values[middle]),
        }
    }

    pub(crate) fn range(&self) -> (f64, f64) {
        (self.values[0], self.values[self.values.len() - 1])
    }

    pub(crate) fn times(&self) -> usize {
        self.values.len()
    }
}

impl Figures {
    /// Takes the figures out of what a script printed, each with `prefix` before its name; the other lines are
    /// given back.
    pub(crate) fn read<'a>(&mut self, prefix: &str, output: &'a str) -> Vec<&'a str> {
        let mut others = Vec::new();
        for line in output.lines() {
            match serde_json::from_str(line) {
                Ok(Line::Taken { figure, unit, values }) => {
                    self.put(&format!("{prefix}{figure}"), Figure::new(unit, values));
                }
                Ok(Line::Missing { figure, missing }) => {
                    self.missing.insert(format!("{prefix}{figure}"), missing);
                }
                Err(_) => others.push(line),
            }
        }
        others
    }

    pub(crate) fn put(&mut self, name: &str, figure: Option<Figure>) {
        match figure {
            Some(figure) => drop(self.taken.insert(name.to_owned(), figure)),
            None => drop(self.missing.insert(name.to_owned(), "it gave no value".to_owned())),
        }
    }

    /// The figure of a name, or why there is none.
    pub(crate) fn find(&self, name: &str) -> Result<&Figure, &str> {
        let why =
            || self.missing.get(name).map_or("its part was not run, or failed", String::as_str);
        self.taken.get(name).ok_or_else(why)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_read_among_other_lines() {
        let mut figures = Figures::default();
        let output = r#"{"figure":"a","unit":"ms","values":[3,1,2]}
Traceback
{"figure":"b","missing":"needs nginx"}
{"other":1}"#;
        assert_eq!(figures.read("x.", output), ["Traceback", r#"{"other":1}"#]);
        let a = figures.find("x.a").unwrap();
        assert_eq!((a.median(), a.range(), a.times(), a.unit.as_str()), (2.0, (1.0, 3.0), 3, "ms"));
        assert_eq!(figures.find("x.b"), Err("needs nginx"));
        assert_eq!(figures.find("a"), Err("its part was not run, or failed"));
    }

    #[test]
    fn the_median_of_an_even_number_lies_between_the_two_in_the_middle() {
        assert_eq!(Figure::new("s", vec![4.0, 1.0, 3.0, 2.0]).unwrap().median(), 2.5);
    }

    #[test]
    fn a_figure_without_values_is_missing() {
        let mut figures = Figures::default();
        figures.read("", r#"{"figure":"a","unit":"ms","values":[]}"#);
        assert_eq!(figures.find("a"), Err("it gave no value"));
        assert_eq!(Figure::new("s", vec![f64::NAN]), None);
    }
}
