//! What neighbours are told of the virtual IPs.
//!
//! In unicast mode the kernel answers for them. With a group MAC it cannot: it would name the interface's own. The virtual IPs
//! are on `lo` then, where the kernel does not answer for them, and the agent does, with the group MAC, as long as this host
//! serves; all hosts answer alike. The default host announces the virtual IPs after each convergence, in every mode, so that
//! neighbours that believe something else do not do so for long.

use std::io;
use std::net::IpAddr;

use weir_link::arp::{self, Arp};
use weir_link::ndp::{self, Advertisement, Solicitation};
use weir_link::{Ethertype, Filter, LinkError, PacketSocket};
use weir_spec::mac::Mac;

use crate::config::{ClusterMode, Config};
use crate::watch::Watched;

/// Longer than any question.
const LONGEST: usize = 2048;
/// Answered at a time; then there are others to be seen to.
const AT_ONCE: usize = 64;

/// Who answers, and with what.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Speaker {
    pub(crate) vips: Vec<IpAddr>,
    /// The MAC that frames for the cluster go to.
    pub(crate) cluster: Mac,
    /// The source of what this host sends.
    pub(crate) source: Mac,
}

impl Speaker {
    /// The answer to a frame, if it asks for a virtual IP.
    fn answer(&self, frame: &[u8]) -> Option<Vec<u8>> {
        if let Some(arp) = Arp::read(frame) {
            let ours = |ip| self.vips.contains(&IpAddr::V4(ip));
            // A virtual IP that asks for another is a host of the cluster, which knows.
            let answer = (ours(arp.target) && !ours(arp.sender)).then(|| arp.answer(self.cluster))??;
            return Some(answer.emit(answer.target_mac, self.source).to_vec());
        }
        let asked = Solicitation::read(frame)?;
        let ours = self.vips.contains(&IpAddr::V6(asked.target));
        ours.then(|| asked.answer(self.cluster).emit(self.source).to_vec())
    }

    /// That the virtual IPs are where they are, to all.
    pub(crate) fn announcements(&self) -> Vec<Vec<u8>> {
        let announce = |vip: &IpAddr| match *vip {
            IpAddr::V4(address) => Arp::announcements(address, self.cluster)
                .map(|arp| arp.emit(Mac::BROADCAST, self.source).to_vec())
                .to_vec(),
            IpAddr::V6(target) => {
                vec![Advertisement { target, mac: self.cluster, to: None }.emit(self.source).to_vec()]
            }
        };
        self.vips.iter().flat_map(announce).collect()
    }
}

/// The questions of neighbours that the agent has to answer.
pub(crate) struct Questions {
    sockets: Vec<Watched>,
    /// Some wait that no event will tell of again.
    more: bool,
}

impl Questions {
    /// Listens for questions, if the mode wants it; in a runtime.
    pub(crate) fn open(config: &Config) -> Result<Questions, LinkError> {
        let mut sockets = Vec::new();
        if config.cluster.mode != ClusterMode::Unicast {
            let name = &config.host.interface;
            sockets.push(listen(name, arp::ETHERTYPE, Filter::ArpRequests)?);
            if config.cluster.vips.iter().any(IpAddr::is_ipv6) {
                sockets.push(listen(name, ndp::ETHERTYPE, Filter::NeighbourSolicitations)?);
            }
        }
        Ok(Questions { sockets, more: false })
    }

    /// Returns when a question waits; never, if none is to be answered.
    pub(crate) async fn asked(&self) {
        if self.more {
            return tokio::task::yield_now().await;
        }
        match &self.sockets[..] {
            [] => std::future::pending().await,
            [one] => one.frame_or_timer(None).await,
            [one, other, ..] => {
                tokio::select! {
                    () = one.frame_or_timer(None) => {}
                    () = other.frame_or_timer(None) => {}
                }
            }
        }
    }

    /// Takes what waits, and answers it if there is somebody to.
    pub(crate) fn answer(&mut self, speaker: Option<&Speaker>) {
        let mut buffer = [0; LONGEST];
        self.more = false;
        for socket in &self.sockets {
            let mut left = AT_ONCE;
            while left > 0 {
                left -= 1;
                match socket.socket().receive(&mut buffer) {
                    Ok(length) => {
                        let answer = speaker.and_then(|speaker| speaker.answer(&buffer[..length.min(LONGEST)]));
                        // Who gets no answer asks again, and others answer too.
                        let _ = answer.map(|answer| socket.socket().send(&answer));
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // ENETDOWN too: the heartbeats' socket tells of that.
                    Err(_) => break,
                }
            }
            self.more |= left == 0;
        }
    }
}

fn listen(name: &str, ethertype: u16, filter: Filter) -> Result<Watched, LinkError> {
    let refused = |step| move |source| LinkError::Refused { step, name: name.into(), source };
    let socket = PacketSocket::open(name, Ethertype::Only(ethertype))?;
    socket.attach(filter).map_err(refused("filter frames"))?;
    Watched::new(socket).map_err(refused("watch for questions"))
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use weir_link::arp::Operation;

    use super::*;

    const CLIENT: Mac = Mac([0x02, 0, 0, 0, 0, 0xfe]);
    const OWN: Mac = Mac([0x02, 0, 0, 0, 1, 1]);
    const GROUP: Mac = Mac([0x03, 0xbf, 10, 99, 0, 100]);

    fn speaker() -> Speaker {
        let vips = vec!["10.99.0.100".parse().expect("an address"), "2001:db8::7".parse().expect("an address")];
        Speaker { vips, cluster: GROUP, source: OWN }
    }

    fn question(sender: [u8; 4], target: [u8; 4]) -> Vec<u8> {
        let (sender, target) = (Ipv4Addr::from(sender), Ipv4Addr::from(target));
        let operation = Operation::Request;
        let arp = Arp { operation, sender_mac: CLIENT, sender, target_mac: Mac::default(), target };
        arp.emit(Mac::BROADCAST, CLIENT).to_vec()
    }

    #[test]
    fn virtual_ips_are_answered_for_and_other_addresses_are_not() {
        let answer = speaker().answer(&question([10, 99, 1, 1], [10, 99, 0, 100])).expect("a virtual IP");
        let arp = Arp::read(&answer).expect("ARP");
        assert_eq!((arp.operation, arp.sender_mac, arp.target_mac), (Operation::Reply, GROUP, CLIENT));
        assert_eq!(answer[..12], [CLIENT.0, OWN.0].concat());
        assert_eq!(speaker().answer(&question([10, 99, 1, 1], [10, 99, 2, 1])), None, "a dedicated IP");
        assert_eq!(speaker().answer(&question([10, 99, 0, 100], [10, 99, 0, 100])), None, "an announcement");
        assert_eq!(speaker().answer(&[0; 60]), None);
    }

    #[test]
    fn all_virtual_ips_are_announced_from_the_own_mac() {
        let announced = speaker().announcements();
        assert_eq!(announced.len(), 3, "two by ARP, one by an advertisement");
        assert!(announced.iter().all(|frame| frame[6..12] == OWN.0));
        assert!(announced[..2].iter().all(|frame| frame[..6] == [0xff; 6] && frame[22..28] == GROUP.0));
        assert_eq!(announced[2][..6], [0x33, 0x33, 0, 0, 0, 1]);
        assert_eq!(announced[2][80..86], GROUP.0);
        assert!(announced.iter().all(|frame| speaker().answer(frame).is_none()), "nobody answers them");
    }
}
