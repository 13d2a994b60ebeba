//! `--device`: how a board is reached.

use std::path::PathBuf;
use std::str::FromStr;

use weir_firmware::Board;
use weir_firmware::flash::Access;
use weir_firmware::flash::jtag::Jtag;
use weir_firmware::flash::page::BoardPage;
use weir_nic::{OpenBarError, Selector};

/// A way to a board.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// A cable by the name openFPGALoader has for it.
    Cable(String),
    /// A virtual cable.
    Virtual { host: String, port: u16 },
    /// A board that runs, by its registers.
    Nic(Selector),
}

impl Reach {
    pub(super) fn open(
        &self,
        board: &Board,
        program: PathBuf,
        options: Vec<String>,
    ) -> Result<Box<dyn Access>, OpenBarError> {
        let mut cable: Vec<String> = match self {
            Reach::Nic(nic) => return Ok(Box::new(BoardPage::new(nic.open()?, board))),
            Reach::Cable(cable) => vec!["--cable".into(), cable.clone()],
            Reach::Virtual { host, port } => {
                let port = port.to_string();
                ["--cable", "xvc-client", "--ip", host, "--port", &port].map(String::from).to_vec()
            }
        };
        cable.extend(options);
        Ok(Box::new(Jtag::new(program, cable)))
    }

    /// The board goes on running while its flash is read and written.
    pub(super) fn runs_on(&self) -> bool {
        matches!(self, Reach::Nic(_))
    }
}

impl FromStr for Reach {
    type Err = String;

    fn from_str(text: &str) -> Result<Reach, String> {
        let wanted = || {
            "should be jtag:CABLE, as jtag:ft2232, xvc:HOST:PORT, as xvc:127.0.0.1:2542, or a NIC, as eth:eth1:board.key"
                .to_string()
        };
        match text.split_once(':') {
            Some(("jtag", cable)) if !cable.is_empty() => Ok(Reach::Cable(cable.to_string())),
            Some(("xvc", rest)) => {
                let (host, port) = rest.rsplit_once(':').filter(|(host, _)| !host.is_empty()).ok_or_else(wanted)?;
                Ok(Reach::Virtual { host: host.to_string(), port: port.parse().map_err(|_| wanted())? })
            }
            Some(("eth" | "vfio" | "sysfs" | "socket", _)) => {
                text.parse().map(Reach::Nic).map_err(|error: weir_nic::selector::SelectorError| error.to_string())
            }
            _ => Err(wanted()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_read_and_others_told_what_would_be_right() {
        assert_eq!("jtag:ft2232".parse(), Ok(Reach::Cable("ft2232".into())));
        assert_eq!("xvc:127.0.0.1:2542".parse(), Ok(Reach::Virtual { host: "127.0.0.1".into(), port: 2542 }));
        let nic = "eth:eth1:board.key".parse::<Reach>().expect("a NIC");
        assert!(nic.runs_on() && nic == Reach::Nic(Selector::Eth("eth1".into(), Some("board.key".into()))));
        assert!("eth:".parse::<Reach>().is_err());
        for text in ["", "jtag", "jtag:", "xvc:2542", "xvc::2542", "xvc:host:port", "xvc:host:70000", "usb:1"] {
            let error = text.parse::<Reach>().expect_err(text);
            assert!(error.contains("should be jtag:CABLE"), "{error}");
        }
    }
}
