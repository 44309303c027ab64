//! `Client-DAAP-Validation`: the hash by which iTunes 4.2 to 6 know a client of their own kind.
//!
//! Other servers do not look at it, and iTunes 7 and later want one that nobody else can make. It is a hash of the
//! request target, of a sentence, of a salt, and of the number of the request: upper-case hexadecimal MD5 for DAAP 2.
//! For DAAP 3 one of MD5's 64 constants is another, which no crate for MD5 lets one choose.

/// The version from which on the hash is the changed one.
const CHANGED_SINCE: u16 = 3;

/// What MD5 adds in its step 28.
const STEP_28: u32 = 0x455A_14ED;

/// What iTunes adds there instead.
const STEP_28_CHANGED: u32 = 0x445A_14ED;

const SENTENCE: &str = "Copyright 2003 Apple Computer, Inc.";

/// A bit of the access index, and what goes into the salt where it is clear and where it is set; in that order.
type SaltPart = (u8, &'static str, &'static str);

const SALT_2: [SaltPart; 8] = [
    (0x80, "user-agent", "Accept-Language"),
    (0x40, "Authorization", "max-age"),
    (0x20, "Accept-Encoding", "Client-DAAP-Version"),
    (0x10, "daap.songartist", "daap.protocolversion"),
    (0x08, "daap.songdatemodified", "daap.songcomposer"),
    (0x04, "daap.songdisabled", "daap.songdiscnumber"),
    (0x02, "revision-number", "playlist-item-spec"),
    (0x01, "content-codes", "session-id"),
];

const SALT_3: [SaltPart; 8] = [
    (0x40, "op[;lm,piojkmn", "eqwsdxcqwesdc"),
    (0x20, "=-0ol.,m3ewrdfv", "876trfvb 34rtgbvc"),
    (0x10, "1535753690868867974342659792", "87654323e4rgbv "),
    (0x08, "DAAP-CLIENT-ID:", "Song Name"),
    (0x04, "4089961010", "111222333444555"),
    (0x02, "revision-number", "playlist-item-spec"),
    (0x01, "content-codes", "session-id"),
    (0x80, "iuytgfdxwerfghjm", "IUYHGFDCXWEDFGHN"),
];

/// The value of `Client-DAAP-Validation` for a request, as clients of this major version of DAAP make it: 2, or 3 for
/// it and all later ones.
///
/// `access_index` is what `Client-DAAP-Access-Index` says, by habit 2; `request_id` what `Client-DAAP-Request-ID` says,
/// where it is sent. 0 is none, and DAAP 2 does not know it.
///
/// ```
/// assert_eq!(
///     daap_proto::validation(3, "/server-info", 2, Some(1)),
///     "74D29A8B4E14CDF79FDE3E7B3320132D",
/// );
/// ```
#[must_use]
pub fn validation(version: u16, target: &str, access_index: u8, request_id: Option<u32>) -> String {
    let is_changed = version >= CHANGED_SINCE;
    let id = request_id.filter(|id| is_changed && *id != 0).map(|id| id.to_string());
    let salt = salt(is_changed, access_index);
    let text = [target, SENTENCE, &salt, &id.unwrap_or_default()].concat();
    hash(is_changed, text.as_bytes())
}

fn salt(is_changed: bool, access_index: u8) -> String {
    let parts = if is_changed { SALT_3 } else { SALT_2 };
    let chosen = |(bit, clear, set)| if access_index & bit == 0 { clear } else { set };
    hash(is_changed, parts.map(chosen).concat().as_bytes())
}

/// MD5 in upper-case hexadecimal digits, by which a server proves to a Remote that it knows the code.
#[must_use]
pub fn md5(bytes: &[u8]) -> String {
    hash(false, bytes)
}

/// Upper-case hexadecimal.
fn hash(is_changed: bool, bytes: &[u8]) -> String {
    let step_28 = if is_changed { STEP_28_CHANGED } else { STEP_28 };
    digest(bytes, step_28).iter().map(|byte| format!("{byte:02X}")).collect()
}

/// MD5 (RFC 1321) with the constant of its step 28 as given.
fn digest(bytes: &[u8], step_28: u32) -> [u8; 16] {
    let mut padded = bytes.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - bytes.len() <= 8 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len() - 8;
    padded[end..].copy_from_slice(&(bytes.len() as u64 * 8).to_le_bytes());

    let mut state = [0x6745_2301, 0xEFCD_AB89, 0x98BA_DCFE, 0x1032_5476];
    for block in padded.as_chunks::<64>().0 {
        let mixed = mix(state, block, step_28);
        for (word, mixed) in state.iter_mut().zip(mixed) {
            *word = word.wrapping_add(mixed);
        }
    }
    let mut digest = [0; 16];
    for (bytes, word) in digest.as_chunks_mut::<4>().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}

/// The 64 steps on one block.
fn mix([mut a, mut b, mut c, mut d]: [u32; 4], block: &[u8; 64], step_28: u32) -> [u32; 4] {
    let words = block.as_chunks::<4>().0;
    for (step, sine) in SINES.into_iter().enumerate() {
        let (round, nth) = (step / 16, step % 16);
        let (mixed, word) = match round {
            0 => (b & c | !b & d, nth),
            1 => (d & b | !d & c, nth * 5 + 1),
            2 => (b ^ c ^ d, nth * 3 + 5),
            _ => (c ^ (b | !d), nth * 7),
        };
        let constant = if step == 27 { step_28 } else { sine };
        let word = u32::from_le_bytes(words[word % 16]);
        let sum = a.wrapping_add(mixed).wrapping_add(word).wrapping_add(constant);
        let turned = sum.rotate_left(SHIFTS[round][nth % 4]);
        (a, d, c, b) = (d, c, b, b.wrapping_add(turned));
    }
    [a, b, c, d]
}

const SHIFTS: [[u32; 4]; 4] = [[7, 12, 17, 22], [5, 9, 14, 20], [4, 11, 16, 23], [6, 10, 15, 21]];

/// The whole part of 2^32 times the sine of 1 to 64 radians, without sign.
#[rustfmt::skip]
const SINES: [u32; 64] = [
    0xD76A_A478, 0xE8C7_B756, 0x2420_70DB, 0xC1BD_CEEE, 0xF57C_0FAF, 0x4787_C62A,
    0xA830_4613, 0xFD46_9501, 0x6980_98D8, 0x8B44_F7AF, 0xFFFF_5BB1, 0x895C_D7BE,
    0x6B90_1122, 0xFD98_7193, 0xA679_438E, 0x49B4_0821, 0xF61E_2562, 0xC040_B340,
    0x265E_5A51, 0xE9B6_C7AA, 0xD62F_105D, 0x0244_1453, 0xD8A1_E681, 0xE7D3_FBC8,
    0x21E1_CDE6, 0xC337_07D6, 0xF4D5_0D87, 0x455A_14ED, 0xA9E3_E905, 0xFCEF_A3F8,
    0x676F_02D9, 0x8D2A_4C8A, 0xFFFA_3942, 0x8771_F681, 0x6D9D_6122, 0xFDE5_380C,
    0xA4BE_EA44, 0x4BDE_CFA9, 0xF6BB_4B60, 0xBEBF_BC70, 0x289B_7EC6, 0xEAA1_27FA,
    0xD4EF_3085, 0x0488_1D05, 0xD9D4_D039, 0xE6DB_99E5, 0x1FA2_7CF8, 0xC4AC_5665,
    0xF429_2244, 0x432A_FF97, 0xAB94_23A7, 0xFC93_A039, 0x655B_59C3, 0x8F0C_CC92,
    0xFFEF_F47D, 0x8584_5DD1, 0x6FA8_7E4F, 0xFE2C_E6E0, 0xA301_4314, 0x4E08_11A1,
    0xF753_7E82, 0xBD3A_F235, 0x2AD7_D2BB, 0xEB86_D391,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_md5_but_for_one_constant() {
        for (text, expected) in [
            ("", "D41D8CD98F00B204E9800998ECF8427E"),
            ("a", "0CC175B9C0F1B6A831C399E269772661"),
            ("abc", "900150983CD24FB0D6963F7D28E17F72"),
            ("message digest", "F96B697D7CB7938D525A2F31AAF161D0"),
            ("abcdefghijklmnopqrstuvwxyz", "C3FCD3D76192E4007DFB496CCA67E13B"),
            (
                "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789",
                "D174AB98D277D9F5A5611C2C9F419D9F",
            ),
            (
                "12345678901234567890123456789012345678901234567890123456789012345678901234567890",
                "57EDF4A22BE3C955AC49DA2E2107B67A",
            ),
        ] {
            assert_eq!(hash(false, text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn a_message_may_end_anywhere_in_a_block() {
        // MD5 of as many times "a", by another program.
        for (length, expected) in [
            (55, "EF1772B6DFF9A122358552954AD0DF65"),
            (56, "3B0C8AC703F828B04C6C197006D17218"),
            (63, "B06521F39153D618550606BE297466D5"),
            (64, "014842D480B571495A4A0363793F7367"),
        ] {
            assert_eq!(hash(false, "a".repeat(length).as_bytes()), expected, "{length}");
        }
    }

    #[test]
    fn salts_are_those_of_other_clients() {
        assert_eq!(salt(false, 2), "CFA85F0A2DCA25A7EAFEA3D16684E36E");
        assert_eq!(salt(true, 2), "D8C7795F8DACCEE7A3291181650D91A0");
    }

    #[test]
    fn hashes_are_those_of_other_clients() {
        let stream = "/databases/1/items/1.mp3?session-id=4711";
        for (version, target, id, expected) in [
            (2, "/server-info", None, "91DE0B5A5A0C0ACF43228778CC974397"),
            (2, "/server-info", Some(1), "91DE0B5A5A0C0ACF43228778CC974397"),
            (3, "test://foo", None, "798A9D80B6F08E339603BE83E0FEAD03"),
            (3, "test://foo", Some(0), "798A9D80B6F08E339603BE83E0FEAD03"),
            (3, "/server-info", Some(1), "74D29A8B4E14CDF79FDE3E7B3320132D"),
            (3, stream, Some(5), "ED152694FF5F1ED70C73A5C1670F7FC4"),
        ] {
            assert_eq!(validation(version, target, 2, id), expected, "{version} {target} {id:?}");
        }
    }

    #[test]
    fn later_versions_hash_as_the_third() {
        assert_eq!(validation(4, "/login", 2, None), validation(3, "/login", 2, None));
        assert_ne!(validation(1, "/login", 2, None), validation(3, "/login", 2, None));
    }
}
