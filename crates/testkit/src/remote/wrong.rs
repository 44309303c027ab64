//! Requests that say too little, too much or nonsense, of which nothing may be done.

/// A request that is good, and what it says.
#[derive(Clone, Copy, Debug)]
pub struct Strict {
    /// The verb with its parameters.
    good: &'static str,
    /// Each parameter that counts, and whether the request is good without it.
    parameters: &'static [(&'static str, bool)],
}

/// One of each that has parameters.
pub const STRICT: &[Strict] = &[
    Strict {
        good: "playstatusupdate?revision-number=1",
        parameters: &[("revision-number", false)],
    },
    Strict { good: "getproperty?properties=dmcp.volume", parameters: &[("properties", false)] },
    Strict { good: "nowplayingartwork?mw=1&mh=1", parameters: &[("mw", true), ("mh", true)] },
    Strict { good: "playqueue-contents?span=9", parameters: &[("span", true)] },
    Strict { good: "controlpromptentry?prompt-id=0", parameters: &[("prompt-id", false)] },
    Strict { good: "setspeakers?speaker-id=0", parameters: &[("speaker-id", false)] },
    Strict {
        good: "setproperty?dmcp.volume=1&speaker-id=2",
        parameters: &[("dmcp.volume", false), ("speaker-id", true)],
    },
    Strict {
        good: "setproperty?dacp.playingtime=1&dacp.shufflestate=1&dacp.repeatstate=1&dmcp.device-volume=0\
         &dmcp.device-prevent-playback=1&dmcp.device-busy=1",
        parameters: &[
            ("dacp.playingtime", true),
            ("dacp.shufflestate", true),
            ("dacp.repeatstate", true),
            ("dmcp.device-volume", true),
            ("dmcp.device-prevent-playback", true),
            ("dmcp.device-busy", true),
        ],
    },
    Strict {
        good: "setproperty?dacp.userrating=80&item-spec='dmap.itemid:1'&database-spec='dmap.itemid:1'",
        parameters: &[("dacp.userrating", true), ("item-spec", false), ("database-spec", true)],
    },
    Strict {
        good: "cue?command=play&query='dmap.itemid:1'&index=0&sort=name&invert-sort-order=1&clear-first=1\
         &dacp.shufflestate=1&srcdatabase=0x1",
        parameters: &[
            ("command", false),
            ("query", true),
            ("index", true),
            ("sort", true),
            ("invert-sort-order", true),
            ("clear-first", true),
            ("dacp.shufflestate", true),
            ("srcdatabase", true),
        ],
    },
    Strict {
        good: "playspec?database-spec='dmap.itemid:1'&container-spec='dmap.itemid:1'&item-spec='dmap.itemid:1'\
         &dacp.shufflestate=1",
        parameters: &[
            ("database-spec", false),
            ("container-spec", false),
            ("item-spec", true),
            ("dacp.shufflestate", true),
        ],
    },
    Strict {
        good: "playqueue-edit?command=add&query='dmap.itemid:1'&queuefilter=album:1&sort=name&mode=1\
         &clear-previous=1&srcdatabase=0x1",
        parameters: &[
            ("command", false),
            ("query", false),
            ("queuefilter", true),
            ("sort", true),
            ("mode", true),
            ("clear-previous", true),
            ("srcdatabase", true),
        ],
    },
    Strict {
        good: "playqueue-edit?command=move&edit-params='edit-param.move-pair:3,0'",
        parameters: &[("command", false), ("edit-params", false)],
    },
    Strict {
        good: "playqueue-edit?command=remove&items=1",
        parameters: &[("command", false), ("items", false)],
    },
];

/// What no parameter can mean.
const NONSENSE: [&str; 7] = ["-1e400", "'", "%00", "%FF", "NaN", "(", "'dmap.itemid:"];

impl Strict {
    /// The target.
    #[must_use]
    pub fn target(&self) -> String {
        format!("/ctrl-int/1/{}", self.good)
    }

    /// The targets that lack one parameter each, and are good.
    #[must_use]
    pub fn without_what_is_optional(&self) -> Vec<String> {
        let optional = self.parameters.iter().filter(|(_, is_optional)| *is_optional);
        optional.map(|(name, _)| self.without(name).0).collect()
    }

    /// The target without a parameter, and its pair.
    fn without(&self, name: &str) -> (String, String) {
        let (path, parameters) = self.good.split_once('?').expect("parameters");
        let is_it = |pair: &&str| pair.split_once('=').is_some_and(|(found, _)| found == name);
        let (it, rest): (Vec<&str>, Vec<&str>) = parameters.split('&').partition(is_it);
        (format!("/ctrl-int/1/{path}?{}", rest.join("&")), it.concat())
    }

    fn wrong(&self, name: &'static str, is_optional: bool) -> Vec<String> {
        let (rest, pair) = self.without(name);
        let huge = "9".repeat(4000);
        let mut wrong = vec![format!("{name}="), name.to_owned(), format!("{pair}&{pair}")];
        // An order or a list that nobody knows is passed over.
        if !matches!(name, "sort" | "queuefilter" | "properties") {
            let values = NONSENSE.into_iter().chain([huge.as_str()]);
            wrong.extend(values.map(|value| format!("{name}={value}")));
        }
        let wrong = wrong.into_iter().map(|said| format!("{rest}&{said}"));
        wrong.chain((!is_optional).then(|| rest.clone())).collect()
    }
}

/// Targets that have to be refused: each parameter of each request missing where it is needed, empty, twice, huge, or
/// no sense.
#[must_use]
pub fn wrong_requests() -> Vec<String> {
    let parameters = |strict: &'static Strict| {
        let of_each = strict.parameters.iter();
        of_each.flat_map(|(name, is_optional)| strict.wrong(name, *is_optional))
    };
    STRICT.iter().flat_map(parameters).collect()
}
