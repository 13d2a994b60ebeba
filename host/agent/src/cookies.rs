//! SYN cookies that the kernel has sent, by the counter of a network namespace.
//!
//! A connection that is opened by a cookie has no socket until its ACK comes, so that no dump shows it. That there may be some is
//! told by `TcpExt: SyncookiesSent` of `/proc/net/netstat` alone. The file shows the namespace of the thread that opened it, for
//! as long as it is open.

use std::fs::File;
use std::os::unix::fs::FileExt;

/// The names and values of a kernel of today are some 4 kB.
const LONGEST: usize = 64 * 1024;

/// The counter of one network namespace.
pub(crate) struct Cookies {
    /// `None` where there is no such file.
    file: Option<File>,
    /// As it was last read; `None`: the kernel has no such counter.
    sent: Option<u64>,
}

impl Cookies {
    /// Of the namespace that the calling thread is in. What it has sent so far counts as known.
    pub(crate) fn here() -> Cookies {
        let mut cookies = Cookies { file: File::open("/proc/thread-self/net/netstat").ok(), sent: None };
        cookies.sent = cookies.read();
        cookies
    }

    /// Whether there is a counter.
    pub(crate) fn are_counted(&self) -> bool {
        self.sent.is_some()
    }

    /// Whether it has moved since it was last asked.
    pub(crate) fn more(&mut self) -> bool {
        let before = self.sent;
        self.sent = self.read().or(before);
        self.sent != before
    }

    fn read(&self) -> Option<u64> {
        let mut text = Vec::new();
        let mut chunk = [0; 8192];
        while text.len() < LONGEST {
            match self.file.as_ref()?.read_at(&mut chunk, text.len() as u64).ok()? {
                0 => break,
                count => text.extend_from_slice(&chunk[..count]),
            }
        }
        sent(&String::from_utf8_lossy(&text))
    }
}

/// `SyncookiesSent` in the text of the file: a line of names and one of values, for each group.
fn sent(text: &str) -> Option<u64> {
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("TcpExt:"));
    let (names, values) = (lines.next()?, lines.next()?);
    let place = names.split_whitespace().position(|name| name == "SyncookiesSent")?;
    values.split_whitespace().nth(place)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_counter_is_found_by_its_name() {
        let text = "IpExt: SyncookiesSent\nIpExt: 9\nTcpExt: A SyncookiesSent SyncookiesRecv\nTcpExt: 1 17 3\n";
        assert_eq!(sent(text), Some(17));
        for cut in [
            "",
            "TcpExt: A SyncookiesSent",
            "TcpExt: A SyncookiesSent\nTcpExt: 1",
            "TcpExt: A\nTcpExt: 1",
            "TcpExt: SyncookiesSent\nTcpExt: -1",
        ] {
            assert_eq!(sent(cut), None, "{cut}");
        }
    }

    #[test]
    fn the_kernel_of_these_tests_counts_and_what_was_sent_before_is_known() {
        let mut cookies = Cookies::here();
        // A kernel without them has nothing that could be lost.
        if cookies.are_counted() {
            cookies.sent = Some(u64::MAX);
            assert!(cookies.more(), "not what it was");
        }
        let mut elsewhere = Cookies { file: None, sent: None };
        assert!(!elsewhere.are_counted() && !elsewhere.more());
    }
}
