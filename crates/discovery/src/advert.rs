//! What to announce: a service, where it is, and what it says about itself.

use crate::name::{self, Name};
use crate::txt::MEDIA_KIND_MUSIC;
use crate::{
    Interfaces, Kind, RemoteTxt, SenderTxt, ServerTxt, ShareTxt, Version, sender_instance,
};

/// What to announce.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advert {
    /// The wished name. That of a share is what people see, of any length and characters. That of any other service is
    /// an id: at most 63 letters, digits and signs, and nobody else's.
    pub name: String,
    /// The name of this machine; under what host it is announced is made from it.
    pub host: String,
    /// Where the service listens.
    pub port: u16,
    /// Where to announce it.
    pub interfaces: Interfaces,
    /// What it is, and what it says about itself.
    pub role: Role,
}

/// What can be announced, with what it says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Role {
    /// Music that can be listed and played. As its machine name it says the name that could be had.
    Share(ShareTxt),
    /// A server that a Remote can control.
    Server(ServerTxt),
    /// A Remote that waits to be paired.
    Remote(RemoteTxt),
    /// Who sends to AirPlay speakers.
    Sender(SenderTxt),
}

impl Advert {
    /// A service of this name, announced everywhere.
    #[must_use]
    pub fn new(name: impl Into<String>, host: impl Into<String>, port: u16, role: Role) -> Self {
        Self { name: name.into(), host: host.into(), port, interfaces: Interfaces::all(), role }
    }

    /// A share of music without a password, announced everywhere.
    #[must_use]
    pub fn share(name: impl Into<String>, host: impl Into<String>, port: u16) -> Self {
        let txt = ShareTxt {
            password: Some(false),
            version: Some(Version::DAAP),
            music_sharing: Some(Version::MUSIC_SHARING),
            media_kinds: Some(MEDIA_KIND_MUSIC),
            dmap: Some(Version::DMAP),
            ..ShareTxt::default()
        };
        Self::new(name, host, port, Role::Share(txt))
    }

    /// This server, called `library`, as Remotes find it under the id.
    #[must_use]
    pub fn server(id: u64, library: impl Into<String>, host: impl Into<String>, port: u16) -> Self {
        let id = crate::database_id(id);
        let txt = ServerTxt {
            name: Some(library.into()),
            database_id: Some(id.clone()),
            device_type: Some("iTunes".to_owned()),
            version: Some(Version::DACP),
        };
        Self::new(id, host, port, Role::Server(txt))
    }

    /// A sender that tells speakers this `DACP-ID`.
    #[must_use]
    pub fn sender(dacp_id: u64, host: impl Into<String>, port: u16) -> Self {
        let txt = SenderTxt {
            dacp_id: Some(dacp_id),
            database_id: Some("1".to_owned()),
            version: Some(Version::DACP_SENDER),
        };
        Self::new(sender_instance(dacp_id), host, port, Role::Sender(txt))
    }

    /// As what it is announced.
    pub(crate) fn kind(&self) -> Kind {
        match self.role {
            Role::Share(_) => Kind::Daap,
            Role::Server(_) => Kind::TouchAble,
            Role::Remote(_) => Kind::TouchRemote,
            Role::Sender(_) => Kind::Dacp,
        }
    }

    /// Whether it may be announced under another name than it wishes. What is known by an id may not: whoever
    /// was told the id looks for that.
    pub(crate) fn may_be_renamed(&self) -> bool {
        matches!(self.role, Role::Share(_))
    }

    /// The name of the host in the announcement, without domain: `nas-3689`, and `nas-3689-2` where that is taken; or with
    /// the id of the service, which nobody else has.
    ///
    /// It is ours alone. Under the machine's own name we would have to say the same addresses as the machine's
    /// responder to the last one, or one of the two is renamed; and our goodbye would take the name from it. For the same
    /// reason no two services of ours share one.
    pub(crate) fn host_label(&self, number: u32) -> String {
        match self.may_be_renamed() {
            true if number > 1 => name::host_label(&self.host, &format!("{}-{number}", self.port)),
            true => name::host_label(&self.host, &self.port.to_string()),
            false => name::host_label(&self.host, &self.name),
        }
    }

    /// The keys and values to announce under this name.
    pub(crate) fn pairs(&self, name: &Name) -> Vec<(&'static str, String)> {
        match &self.role {
            Role::Share(txt) => {
                ShareTxt { machine_name: Some(name.display.clone()), ..txt.clone() }.pairs()
            }
            Role::Server(txt) => txt.pairs(),
            Role::Remote(txt) => txt.pairs(),
            Role::Sender(txt) => txt.pairs(),
        }
    }

    /// Whether `newer` differs only in what a TXT record can say, so that the service can stay where it is.
    pub(crate) fn keeps_place(&self, newer: &Self) -> bool {
        (&self.name, &self.host, self.port, &self.interfaces, self.kind())
            == (&newer.name, &newer.host, newer.port, &newer.interfaces, newer.kind())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_says_is_a_change_in_place_and_its_name_is_not() {
        let advert = Advert::share("Music", "nas", 3689);
        let locked = Role::Share(ShareTxt { password: Some(true), ..ShareTxt::default() });
        assert!(advert.keeps_place(&Advert { role: locked, ..advert.clone() }));
        assert!(!advert.keeps_place(&Advert { name: "Songs".into(), ..advert.clone() }));
        assert!(!advert.keeps_place(&Advert { port: 3690, ..advert.clone() }));
        let (den, attic) =
            (Advert::server(7, "Den", "nas", 3689), Advert::server(7, "Attic", "nas", 3689));
        assert!(den.keeps_place(&attic));
        assert!(!den.keeps_place(&advert));
    }

    #[test]
    fn no_two_services_of_a_machine_share_a_host() {
        let id = 0x3C69_B5CF_12DB_A52C;
        let remote = Role::Remote(RemoteTxt::default());
        let hosts = [
            Advert::share("Music", "nas", 3689),
            Advert::server(id, "Music", "nas", 3689),
            Advert::sender(id, "nas", 3689),
            Advert::new("FC8D68FE-A7F2", "nas", 49160, remote),
        ];
        assert_eq!(
            hosts.map(|advert| advert.host_label(1)),
            [
                "nas-3689",
                "nas-3c69b5cf12dba52c",
                "nas-itunes-ctrl-3c69b5cf12dba52c",
                "nas-fc8d68fe-a7f2"
            ]
        );
    }
}
