//! The report: figures against their budgets, as Markdown.

use std::fmt::{self, Write as _};

use super::budgets::{Budget, Stated, Want};
use super::figures::{Figure, Figures};
use super::machine::Machine;
use super::profiles::{PROFILES, Profile};

/// What a run was asked to do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes {
    /// Songs in the library of files.
    pub(crate) songs: u32,
    /// Songs where nothing but the model and the store is measured.
    pub(crate) large: u32,
    pub(crate) runs: u32,
}

/// How a figure stands to its budget.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Aim,
    Must,
    Missed,
}

impl Verdict {
    fn of(budget: &Budget, value: f64) -> Self {
        let holds = |limit: f64| match budget.want {
            Want::AtMost => value <= limit,
            Want::AtLeast => value >= limit,
        };
        match (holds(budget.must), budget.aim.is_some_and(holds)) {
            (false, _) => Self::Missed,
            (true, true) => Self::Aim,
            (true, false) => Self::Must,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Aim => "aim met",
            Self::Must => "must met",
            Self::Missed => "**missed**",
        }
    }
}

/// A budget with what came of it.
struct Row<'a> {
    budget: &'a Budget,
    measured: Result<Measured<'a>, String>,
}

struct Measured<'a> {
    figure: &'a Figure,
    nginx: Option<&'a Figure>,
    verdict: Verdict,
}

impl<'a> Row<'a> {
    fn of(budget: &'a Budget, figures: &'a Figures) -> Self {
        let find = |name| figures.find(name).map_err(|why| format!("not measured: {why}"));
        let measured = find(budget.figure).and_then(|figure| {
            let nginx = budget.against.map(find).transpose()?;
            let value = nginx.map_or(1.0, |nginx| nginx.median().recip()) * figure.median();
            Ok(Measured { figure, nginx, verdict: Verdict::of(budget, value) })
        });
        Self { budget, measured }
    }
}

/// The whole text.
pub(crate) fn report(
    budgets: &[Budget],
    stated: &[Stated],
    figures: &Figures,
    sizes: Sizes,
    machine: &Machine,
) -> String {
    let rows: Vec<Row<'_>> = budgets.iter().map(|budget| Row::of(budget, figures)).collect();
    let mut out = String::new();
    write_all(&mut out, &rows, stated, figures, sizes, machine).expect("a text takes all");
    out
}

fn write_all(
    out: &mut String,
    rows: &[Row<'_>],
    stated: &[Stated],
    figures: &Figures,
    sizes: Sizes,
    machine: &Machine,
) -> fmt::Result {
    writeln!(out, "# Performance\n")?;
    writeln!(out, "Made by `cargo xtask bench`; edit `xtask/src/bench/budgets.rs`, not this.\n")?;
    writeln!(out, "{machine}\n")?;
    let Sizes { songs, large, runs } = sizes;
    writeln!(
        out,
        "{} songs in files, {} in memory; each figure was taken {runs} times or more.",
        count(songs),
        count(large)
    )?;
    writeln!(
        out,
        "A figure is their median (and from the lowest to the highest). The clients share the"
    )?;
    writeln!(out, "cores with the server, so a ratio to nginx says more than a time.\n")?;
    writeln!(out, "## Budgets\n\n{}\n", tally(rows))?;
    writeln!(out, "| what | must | aim | measured | nginx | ratio | |")?;
    writeln!(out, "|---|---|---|---|---|---|---|")?;
    for row in rows {
        write_row(out, row, sizes)?;
    }
    writeln!(out, "\n## Measured beside them\n\n| what | measured |\n|---|---|")?;
    for Stated { what, figure } in stated {
        let text = figures.find(figure).map_or_else(|why| format!("not measured: {why}"), show);
        writeln!(out, "| {} | {text} |", sized(what, sizes))?;
    }
    write_profiles(out)?;
    writeln!(out, "\n## What limits it now\n\n| what | limit |\n|---|---|")?;
    for row in rows {
        writeln!(out, "| {} | {} |", sized(row.budget.what, sizes), row.budget.limit)?;
    }
    Ok(())
}

fn write_profiles(out: &mut String) -> fmt::Result {
    writeln!(out, "\n## The hottest paths")?;
    for Profile { path, time, why, tried } in PROFILES {
        writeln!(out, "\n**{path}.** {time}\n\nWhy not faster: {why}\n\nTried: {tried}")?;
    }
    Ok(())
}

fn write_row(out: &mut String, row: &Row<'_>, sizes: Sizes) -> fmt::Result {
    let Budget { what, must, aim, against, .. } = *row.budget;
    let unit = match (&row.measured, against) {
        (_, Some(_)) => "×",
        (Ok(measured), None) => measured.figure.unit.as_str(),
        (Err(_), None) => row.budget.unit,
    };
    let limit = |value: f64| format!("{} {unit}", number(value));
    let (must, aim) = (limit(must), aim.map_or_else(|| "–".to_owned(), limit));
    write!(out, "| {} | {must} | {aim} | ", sized(what, sizes))?;
    match &row.measured {
        Ok(Measured { figure, nginx, verdict }) => {
            let ratio = |nginx: &Figure| format!("{} ×", number(figure.median() / nginx.median()));
            let dash = || "–".to_owned();
            let (shown, ratio) = (nginx.map_or_else(dash, show), nginx.map_or_else(dash, ratio));
            writeln!(out, "{} | {shown} | {ratio} | {} |", show(figure), verdict.text())
        }
        Err(why) => writeln!(out, "– | – | – | {why} |"),
    }
}

/// How many budgets are met.
fn tally(rows: &[Row<'_>]) -> String {
    let with = |wanted: &[Verdict]| {
        let is = |row: &&Row<'_>| row.measured.as_ref().is_ok_and(|m| wanted.contains(&m.verdict));
        rows.iter().filter(is).count()
    };
    let musts = with(&[Verdict::Must, Verdict::Aim]);
    let aims = rows.iter().filter(|row| row.budget.aim.is_some()).count();
    let unmeasured = rows.iter().filter(|row| row.measured.is_err()).count();
    format!(
        "{musts} of {} musts are met, {} of {aims} aims; {} missed, {unmeasured} not measured.",
        rows.len(),
        with(&[Verdict::Aim]),
        with(&[Verdict::Missed]),
    )
}

/// The median, and the range if there is more than one value.
fn show(figure: &Figure) -> String {
    let median = format!("{} {}", number(figure.median()), figure.unit);
    let (lowest, highest) = figure.range();
    match figure.times() {
        1 => median,
        _ => format!("{median} ({}–{})", number(lowest), number(highest)),
    }
}

/// Three digits that say something; whole numbers in groups.
fn number(value: f64) -> String {
    let digits = if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    if digits >= 2 {
        return count(value.round() as u32);
    }
    let text = format!("{value:.*}", (2 - digits).clamp(0, 6) as usize);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// A whole number with a comma between groups of three.
fn count(number: u32) -> String {
    let digits = number.to_string();
    let groups: Vec<&[u8]> = digits.as_bytes().rchunks(3).rev().collect();
    groups.iter().map(|group| String::from_utf8_lossy(group)).collect::<Vec<_>>().join(",")
}

fn sized(what: &str, sizes: Sizes) -> String {
    what.replace("{songs}", &count(sizes.songs)).replace("{large}", &count(sizes.large))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZES: Sizes = Sizes { songs: 100_000, large: 1_000_000, runs: 5 };

    fn budget(against: Option<&'static str>, want: Want, must: f64, aim: Option<f64>) -> Budget {
        let what = "list of {songs}";
        Budget { what, figure: "list", against, want, unit: "ms", must, aim, limit: "the wire" }
    }

    /// The row of a budget in the report, for figures as scripts print them.
    #[track_caller]
    fn check(budget: Budget, output: &str, expected: &str) {
        let mut figures = Figures::default();
        figures.read("", output);
        let mut out = String::new();
        write_row(&mut out, &Row::of(&budget, &figures), SIZES).unwrap();
        assert_eq!(out.trim_end(), expected);
    }

    const LIST: &str = r#"{"figure":"list","unit":"ms","values":[12,10,14]}"#;
    const BOTH: &str = "{\"figure\":\"list\",\"unit\":\"ms\",\"values\":[12,10,14]}\n\
        {\"figure\":\"nginx.list\",\"unit\":\"ms\",\"values\":[5]}";

    #[test]
    fn a_time_is_met_at_its_limit_and_missed_above() {
        let row = |must, aim| budget(None, Want::AtMost, must, aim);
        let met = "| list of 100,000 | 12 ms | 5 ms | 12 ms (10–14) | – | – | must met |";
        check(row(12.0, Some(5.0)), LIST, met);
        let aim = "| list of 100,000 | 20 ms | 12.5 ms | 12 ms (10–14) | – | – | aim met |";
        check(row(20.0, Some(12.5)), LIST, aim);
        let missed = "| list of 100,000 | 11.9 ms | – | 12 ms (10–14) | – | – | **missed** |";
        check(row(11.9, None), LIST, missed);
    }

    #[test]
    fn a_ratio_is_of_medians_and_a_rate_must_be_reached() {
        let expected =
            "| list of 100,000 | 3 × | 1.2 × | 12 ms (10–14) | 5 ms | 2.4 × | must met |";
        check(budget(Some("nginx.list"), Want::AtMost, 3.0, Some(1.2)), BOTH, expected);
        let expected =
            "| list of 100,000 | 2.5 × | – | 12 ms (10–14) | 5 ms | 2.4 × | **missed** |";
        check(budget(Some("nginx.list"), Want::AtLeast, 2.5, None), BOTH, expected);
    }

    #[test]
    fn what_is_missing_says_why() {
        let without = format!("{LIST}\n{}", r#"{"figure":"nginx.list","missing":"needs nginx"}"#);
        let expected = "| list of 100,000 | 3 × | – | – | – | – | not measured: needs nginx |";
        check(budget(Some("nginx.list"), Want::AtMost, 3.0, None), &without, expected);
        let expected = "| list of 100,000 | 3 ms | – | – | – | – | not measured: its part was not run, or failed |";
        check(budget(None, Want::AtMost, 3.0, None), "", expected);
    }

    #[test]
    fn the_report_counts_and_names_the_machine_and_the_limits() {
        let mut figures = Figures::default();
        figures.read("", BOTH);
        let budgets = [
            budget(None, Want::AtMost, 20.0, Some(5.0)),
            budget(Some("nginx.list"), Want::AtMost, 2.0, Some(1.2)),
            Budget { figure: "other", ..budget(None, Want::AtMost, 2.0, None) },
        ];
        let stated = [Stated { what: "nginx of {large}", figure: "nginx.list" }];
        let machine = Machine::of_lines(&["2026-01-02, commit abc", "2 cores"]);
        let text = report(&budgets, &stated, &figures, SIZES, &machine);
        for expected in [
            "1 of 3 musts are met, 0 of 2 aims; 1 missed, 1 not measured.",
            "- 2026-01-02, commit abc\n- 2 cores",
            "100,000 songs in files, 1,000,000 in memory; each figure was taken 5 times or more.",
            "| nginx of 1,000,000 | 5 ms |",
            "| list of 100,000 | the wire |",
        ] {
            assert!(text.contains(expected), "{expected:?} is not in\n{text}");
        }
    }

    #[test]
    fn numbers_have_three_digits_that_matter() {
        for (value, expected) in [
            (0.0, "0"),
            (0.012345, "0.0123"),
            (0.5, "0.5"),
            (1.0, "1"),
            (2.3456, "2.35"),
            (99.96, "100"),
            (1234.5, "1,235"),
            (1_000_000.0, "1,000,000"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
