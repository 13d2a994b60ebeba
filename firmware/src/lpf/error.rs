//! What can be wrong with a preference file.

/// Why a file is not taken; lines count from 1.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LpfError {
    /// The last statement has no semicolon.
    #[error("line {line}: statement {text:?} is not closed, should end with ;")]
    Open {
        /// Where it starts.
        line: usize,
        /// Its beginning.
        text: String,
    },
    /// A keyword that is not about pins and clocks, or is misspelt.
    #[error("line {line}: keyword is {keyword:?}, should be LOCATE, IOBUF or FREQUENCY")]
    Keyword {
        /// Where.
        line: usize,
        /// What it says.
        keyword: String,
    },
    /// A known keyword with the wrong words behind it.
    #[error("line {line}: statement is {text:?}, should be {wanted}")]
    Form {
        /// Where.
        line: usize,
        /// What it says.
        text: String,
        /// The form of this statement.
        wanted: &'static str,
    },
    /// A frequency that is not a whole number of hertz above zero.
    #[error(
        "line {line}: frequency of port {port:?} is {value:?}, should be a decimal number above 0 with the unit HZ, KHZ or MHZ, in whole Hz"
    )]
    Frequency {
        /// Where.
        line: usize,
        /// The clock.
        port: String,
        /// What it says.
        value: String,
    },
    /// A site the package does not have.
    #[error("line {line}: site of port {port:?} is {site:?}, should be {sites}")]
    Site {
        /// Where.
        line: usize,
        /// The port.
        port: String,
        /// What it says.
        site: String,
        /// What the package has.
        sites: &'static str,
    },
    /// Two ports on one ball.
    #[error("line {line}: site of port {port:?} is {site}, should be one that port {other:?} does not have already")]
    SiteTwice {
        /// Where the second is.
        line: usize,
        /// The second port.
        port: String,
        /// The ball.
        site: String,
        /// The first port.
        other: String,
    },
    /// The same statement twice for one port.
    #[error("line {line}: {keyword} of port {port:?} stands on line {first} already, should be there once")]
    Twice {
        /// Where the second is.
        line: usize,
        /// `LOCATE`, `IOBUF` or `FREQUENCY`.
        keyword: &'static str,
        /// The port.
        port: String,
        /// Where the first is.
        first: usize,
    },
    /// An attribute twice in one `IOBUF`.
    #[error("line {line}: attribute {attribute} of port {port:?} is set twice, should be set once")]
    AttributeTwice {
        /// Where.
        line: usize,
        /// The port.
        port: String,
        /// The attribute.
        attribute: String,
    },
    /// `IOBUF` or `FREQUENCY` of a port without a `LOCATE`.
    #[error("line {line}: {keyword} names port {port:?}, should name a port that a LOCATE gives a site")]
    NotLocated {
        /// Where.
        line: usize,
        /// `IOBUF` or `FREQUENCY`.
        keyword: &'static str,
        /// The port.
        port: String,
    },
    /// A port without `IO_TYPE`: the tools would fall back on a standard the bank may not have.
    #[error(
        "line {line}: port {port:?} has a site and no I/O type, should have IOBUF PORT {port:?} IO_TYPE=<standard>;"
    )]
    NoIoType {
        /// Where it is located.
        line: usize,
        /// The port.
        port: String,
    },
}
