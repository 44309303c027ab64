//! The readers of what players tell: no panic, and what was read survives its reply.
#![no_main]

use dacp_proto::{
    ControlInterface, PairingAnswer, PlayStatus, Prompt, PromptEntry, Properties, QueueContents,
    Span, read_speakers, speakers_reply,
};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(status) = PlayStatus::read(bytes) {
        let reply = status.reply().expect("short").into_bytes();
        assert_eq!(PlayStatus::read(&reply), Ok(status));
    }
    if let Ok(queue) = QueueContents::read(bytes) {
        let reply = queue.reply(Span::Upcoming(50)).expect("short").into_bytes();
        assert_eq!(QueueContents::read(&reply), Ok(queue));
    }
    if let Ok(speakers) = read_speakers(bytes) {
        let reply = speakers_reply(&speakers).expect("short").into_bytes();
        assert_eq!(read_speakers(&reply), Ok(speakers));
    }
    if let Ok(interface) = ControlInterface::read(bytes) {
        assert_eq!(ControlInterface::read(&interface.reply().into_bytes()), Ok(interface));
    }
    if let Ok(answer) = PairingAnswer::read(bytes) {
        let reply = answer.reply().expect("short").into_bytes();
        assert_eq!(PairingAnswer::read(&reply), Ok(answer));
    }
    if let Ok(prompt) = Prompt::read(bytes) {
        let reply = prompt.reply().expect("short").into_bytes();
        assert_eq!(Prompt::read(&reply), Ok(prompt));
    }
    if let Ok(entry) = PromptEntry::read(bytes) {
        assert_eq!(PromptEntry::read(&entry.to_body().expect("short")), Ok(entry));
    }
    let _ = Properties::read(bytes);
});
