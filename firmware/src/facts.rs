//! What `board.toml` says.

use serde::Deserialize;
use weir_spec::board::FlashMap;

use crate::ecp5::Part;
use crate::image::Role;
use crate::keyword::unfit;
use crate::{Package, Wrong};

/// Granularity in which NOR flash is erased (opcode D8h), in bytes: what must not share a block with something else starts on one.
const ERASE_BLOCK: u32 = 64 << 10;

/// Bytes of the block at the end of the flash that sends a failed boot to the golden image: one page.
const JUMP_BLOCK: u32 = 256;

/// A board without its pins.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The folder's name.
    pub name: String,
    /// What its maker calls it.
    pub title: String,
    /// What the NIC answers in its BOARD register; 1 or more, since 0 is the simulated NIC.
    pub number: u32,
    /// Width of the data path in bits: 64 or 512.
    pub data_width_bits: u16,
    /// The FPGA.
    pub device: Device,
    /// Where the core clock comes from.
    pub clock: Clock,
    /// The Ethernet ports.
    pub ports: Vec<Port>,
    /// Lights that a bump in the wire shows its state with.
    pub lights: Option<Lights>,
    /// A button that resets it.
    pub button: Option<Button>,
    /// The configuration flash.
    pub flash: Flash,
}

/// An FPGA as it is ordered and as it answers.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Device {
    /// The part without speed and package, `LFE5UM5G-45F`.
    pub part: String,
    /// The package.
    pub package: Package,
    /// 6 to 8; 8 is the fastest.
    pub speed_grade: u8,
    /// The IDCODE the part answers on JTAG and demands of a bitstream (IEEE 1149.1).
    pub jtag_idcode: u32,
}

/// The reference and what is made of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// The port the reference arrives at.
    pub port: String,
    /// Its frequency in kHz.
    pub reference_khz: u32,
    /// The frequency of the pipeline in kHz, 1,000 to 500,000.
    pub core_khz: u32,
}

/// An Ethernet port.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Port {
    /// Prefix of its pins, `eth0`.
    pub name: String,
    /// How the FPGA speaks to it.
    pub interface: Interface,
    /// Who is at the other end.
    pub faces: Faces,
    /// How late its data are seen, steps of DELAYG (some 25 ps each): 0 to 127.
    #[serde(default)]
    pub rx_delay_steps: u8,
    /// When its TXC changes.
    #[serde(default)]
    pub tx_clock: TxClock,
    /// Where these two are known from.
    pub delay_source: String,
    /// Prefix of the pins of its MDIO and of the PHY's reset, if it is not the port's: two ports may share them.
    pub mdio: Option<String>,
    /// Address of its PHY, 0 to 31; the first that answers if it is not told.
    pub phy_address: Option<u8>,
}

impl Port {
    /// Prefix of `mdc`, `mdio` and `rst_n`.
    pub fn mdio(&self) -> &str {
        self.mdio.as_deref().unwrap_or(&self.name)
    }
}

/// When TXC changes, seen from TXD: RGMII wants its edges amid the data.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TxClock {
    /// With it: the PHY, or the board, delays it.
    #[default]
    Aligned,
    /// A quarter of a clock later.
    Late,
}

/// Lights of a board, driven one by one.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lights {
    /// Name of their pins, `led_n` for `led_n[0]` and on.
    pub port: String,
    /// How many, 1 to 8.
    pub count: usize,
    /// The level by which they are lit.
    pub lit: Level,
}

impl Lights {
    /// Their pins; a single one has no number.
    pub fn pins(&self) -> Vec<String> {
        match self.count {
            1 => vec![self.port.clone()],
            count => (0..count).map(|number| format!("{}[{number}]", self.port)).collect(),
        }
    }
}

/// A button that is low while it is pressed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Button {
    /// Name of its pin.
    pub port: String,
}

/// A level of a pin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// 0.
    Low,
    /// 1.
    High,
}

/// How the FPGA speaks to an Ethernet port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Interface {
    /// Four bits a direction on both edges of 125 MHz, and MDIO beside it.
    Rgmii,
}

impl Interface {
    /// The pins without which there is no port, each behind `<port name>_`.
    pub fn signals(self) -> &'static [&'static str] {
        match self {
            Interface::Rgmii => &[
                "rx_clk",
                "rx_ctl",
                "rx_data[0]",
                "rx_data[1]",
                "rx_data[2]",
                "rx_data[3]",
                "tx_clk",
                "tx_ctl",
                "tx_data[0]",
                "tx_data[1]",
                "tx_data[2]",
                "tx_data[3]",
            ],
        }
    }

    /// The pins beside them, each behind the prefix of [`Port::mdio`].
    pub fn management(self) -> &'static [&'static str] {
        match self {
            Interface::Rgmii => &["mdc", "mdio", "rst_n"],
        }
    }

    /// The clock that arrives with the frames, behind `<port name>_`, and its frequency in Hz.
    pub fn receive_clock(self) -> (&'static str, u64) {
        match self {
            Interface::Rgmii => ("rx_clk", 125_000_000),
        }
    }

    /// Bits a second of the wire, in thousands.
    pub fn kilobits(self) -> u64 {
        match self {
            Interface::Rgmii => 1_000_000,
        }
    }
}

/// Who is at the other end of a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Faces {
    /// The network: frames from here are filtered.
    Switch,
    /// The host's own NIC, where the board is a bump in the wire.
    Host,
}

/// The configuration flash and what lies where in it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Flash {
    /// Size in bytes: a power of two of at most 16 MiB, the reach of a boot address of 24 bits.
    pub bytes: u32,
    /// Where the size is known from.
    pub source: String,
    /// The image that is updated and booted; at 0, where the FPGA looks first.
    pub primary: Region,
    /// The image that is never updated, booted when the primary one fails; on an erase block of its own.
    pub golden: Region,
    /// The block that says where the golden image is; the last page.
    pub jump: Region,
    /// An erase block for the manifest of the package that was written last.
    pub installed: Region,
    /// An erase block for the key that control frames are signed with, on boards that take them.
    pub key: Option<Region>,
}

/// A place in the flash.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Region {
    /// First byte.
    pub address: u32,
    /// Why it is there.
    pub source: String,
}

impl Facts {
    /// What a board of this kind cannot be, first fault first; `folder` is the name of its folder.
    pub(crate) fn check(&self, folder: &str) -> Result<(), Wrong> {
        let must = |holds: bool, wrong: &dyn Fn() -> Wrong| if holds { Ok(()) } else { Err(wrong()) };
        must(self.name == folder, &|| Wrong::new("name", quoted(&self.name), format!("the folder's, {folder:?}")))?;
        must(!self.title.trim().is_empty(), &|| {
            Wrong::new("title", quoted(&self.title), "what the maker calls the board")
        })?;
        must(self.number > 0, &|| Wrong::new("number", self.number, "1 or more, since 0 is the simulated NIC"))?;
        must(matches!(self.data_width_bits, 64 | 512), &|| {
            Wrong::new("data_width_bits", self.data_width_bits, "64 or 512")
        })?;
        self.device.check()?;
        self.check_clock()?;
        self.check_ports()?;
        self.check_names()?;
        self.flash.check()
    }

    /// Names of pads, or what they begin with.
    fn check_names(&self) -> Result<(), Wrong> {
        let mut names = vec![("clock.port".to_string(), &self.clock.port)];
        names.extend(self.lights.iter().map(|lights| ("lights.port".to_string(), &lights.port)));
        names.extend(self.button.iter().map(|button| ("button.port".to_string(), &button.port)));
        let mdio = |port: &'_ Port| format!("{}.mdio", port.name);
        names.extend(self.ports.iter().filter_map(|port| Some((mdio(port), port.mdio.as_ref()?))));
        for (at, (field, name)) in names.iter().enumerate() {
            if let Some(wanted) = unfit(name) {
                return Err(Wrong::new(field, quoted(name), wanted));
            }
            // Two PHYs may hang on one MDIO.
            let shared = |other: &str| field.ends_with(".mdio") && other.ends_with(".mdio");
            let taken = names[..at].iter().find(|(other, taken)| taken == name && !shared(other));
            if let Some((other, _)) = taken {
                return Err(Wrong::new(field, quoted(name), format!("another name than {other} has")));
            }
        }
        Ok(())
    }

    fn check_clock(&self) -> Result<(), Wrong> {
        let Clock { reference_khz, core_khz, .. } = self.clock;
        if reference_khz == 0 {
            return Err(Wrong::new("clock.reference_khz", 0, "the frequency of the oscillator, above 0"));
        }
        if !(1_000..=500_000).contains(&core_khz) {
            return Err(Wrong::new("clock.core_khz", core_khz, "1000 to 500000"));
        }
        let kilobits = u64::from(core_khz) * u64::from(self.data_width_bits);
        if let Some(port) = self.ports.iter().find(|port| port.interface.kilobits() > kilobits) {
            let least = port.interface.kilobits().div_ceil(self.data_width_bits.into());
            return Err(Wrong::new(
                "clock.core_khz",
                core_khz,
                format!("at least {least}, the line rate of {}", port.name),
            ));
        }
        Ok(())
    }

    fn check_ports(&self) -> Result<(), Wrong> {
        for (at, Port { name, .. }) in self.ports.iter().enumerate() {
            let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
            if !name.starts_with(|first: char| first.is_ascii_lowercase()) || !name.bytes().all(fits) {
                let wanted = "lower-case letters and digits, a letter first";
                return Err(Wrong::new(format!("ports[{at}].name"), quoted(name), wanted));
            }
            if self.ports[..at].iter().any(|other| other.name == *name) {
                return Err(Wrong::new(format!("ports[{at}].name"), quoted(name), "a name no other port has"));
            }
        }
        for port in &self.ports {
            let field = |field: &str| format!("{}.{field}", port.name);
            if port.rx_delay_steps > 127 {
                return Err(Wrong::new(field("rx_delay_steps"), port.rx_delay_steps, "0 to 127, the steps of DELAYG"));
            }
            if port.delay_source.trim().is_empty() {
                let wanted = "where the delays are known from";
                return Err(Wrong::new(field("delay_source"), quoted(&port.delay_source), wanted));
            }
            if port.phy_address.is_some_and(|address| address > 31) {
                let told = port.phy_address.unwrap_or_default();
                return Err(Wrong::new(field("phy_address"), told, "0 to 31, an address of MDIO"));
            }
            let shares = self.ports.iter().filter(|other| other.mdio() == port.mdio());
            if shares.clone().count() > 1 {
                let others = shares.filter(|other| other.name != port.name);
                let Some(told) = port.phy_address else {
                    let wanted = "the PHY's address, since its MDIO is shared";
                    return Err(Wrong::new(field("phy_address"), "absent", wanted));
                };
                if others.clone().any(|other| other.phy_address == Some(told)) {
                    return Err(Wrong::new(field("phy_address"), told, "another than that of who shares its MDIO"));
                }
            }
        }
        if let Some(lights) = &self.lights
            && !(1..=8).contains(&lights.count)
        {
            return Err(Wrong::new("lights.count", lights.count, "1 to 8"));
        }
        if !self.ports.iter().any(|port| port.faces == Faces::Switch) {
            return Err(Wrong::new(
                "ports",
                "without one that faces the switch",
                "at least one with faces = \"switch\"",
            ));
        }
        Ok(())
    }
}

impl Device {
    fn check(&self) -> Result<(), Wrong> {
        let fits = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'-';
        if self.part.is_empty() || !self.part.bytes().all(fits) {
            return Err(Wrong::new(
                "device.part",
                quoted(&self.part),
                "capitals, digits and hyphens, like \"LFE5UM5G-45F\"",
            ));
        }
        if let Some(part) = Part::by_name(&self.part)
            && part.idcode != self.jtag_idcode
        {
            let value = format!("{:#010x}", self.jtag_idcode);
            return Err(Wrong::new(
                "device.jtag_idcode",
                value,
                format!("{:#010x}, that of {}", part.idcode, self.part),
            ));
        }
        if !(6..=8).contains(&self.speed_grade) {
            return Err(Wrong::new("device.speed_grade", self.speed_grade, "6, 7 or 8"));
        }
        if self.jtag_idcode & 0xfff != 0x043 {
            let value = format!("{:#010x}", self.jtag_idcode);
            return Err(Wrong::new(
                "device.jtag_idcode",
                value,
                "a code that ends in 043, Lattice's manufacturer number and the fixed 1",
            ));
        }
        Ok(())
    }
}

impl Flash {
    fn check(&self) -> Result<(), Wrong> {
        let hex = |value: u32| format!("{value:#x}");
        if !self.bytes.is_power_of_two() || !(1 << 20..=16 << 20).contains(&self.bytes) {
            return Err(Wrong::new("flash.bytes", hex(self.bytes), "a power of two from 0x100000 to 0x1000000"));
        }
        if self.primary.address != 0 {
            return Err(Wrong::new(
                "flash.primary.address",
                hex(self.primary.address),
                "0x0, where the FPGA looks first",
            ));
        }
        let jump = self.bytes - JUMP_BLOCK;
        if self.jump.address != jump {
            return Err(Wrong::new(
                "flash.jump.address",
                hex(self.jump.address),
                format!("{jump:#x}, the last page of the flash"),
            ));
        }
        // The jump block's own erase block has to stay free, or an update of one would wipe the other.
        let last = self.bytes - 2 * ERASE_BLOCK;
        let golden = self.golden.address;
        if !golden.is_multiple_of(ERASE_BLOCK) || !(ERASE_BLOCK..=last).contains(&golden) {
            return Err(Wrong::new(
                "flash.golden.address",
                hex(golden),
                format!("a multiple of {ERASE_BLOCK:#x} from {ERASE_BLOCK:#x} to {last:#x}"),
            ));
        }
        let mut blocks = vec![("flash.installed.address", self.installed.address)];
        blocks.extend(self.key.iter().map(|key| ("flash.key.address", key.address)));
        for (at, (field, address)) in blocks.iter().enumerate() {
            let alone = blocks[..at].iter().all(|(_, other)| other != address);
            // Above the golden image they would be in the half of the flash that is protected.
            if !alone || !address.is_multiple_of(ERASE_BLOCK) || !(ERASE_BLOCK..golden).contains(address) {
                let wanted = format!("an erase block of its own, a multiple of {ERASE_BLOCK:#x} below {golden:#x}");
                return Err(Wrong::new(*field, hex(*address), wanted));
            }
        }
        let mut sources = vec![
            ("flash.source", &self.source),
            ("flash.primary.source", &self.primary.source),
            ("flash.golden.source", &self.golden.source),
            ("flash.jump.source", &self.jump.source),
            ("flash.installed.source", &self.installed.source),
        ];
        sources.extend(self.key.iter().map(|key| ("flash.key.source", &key.source)));
        match sources.into_iter().find(|(_, source)| source.trim().is_empty()) {
            Some((field, source)) => Err(Wrong::new(field, quoted(source), "where the number is known from")),
            None => Ok(()),
        }
    }
}

impl Flash {
    /// Granularity in which it is erased, in octets.
    pub const ERASE_BLOCK: u32 = ERASE_BLOCK;

    /// Where an image begins.
    pub fn address(&self, role: Role) -> u32 {
        match role {
            Role::Primary => self.primary.address,
            Role::Golden => self.golden.address,
        }
    }

    /// Which of its erase blocks the circuit lets its host write, and where it keeps its key; nothing for a board without a place
    /// for one.
    pub fn map(&self) -> Option<FlashMap> {
        let key = self.key.as_ref()?.address;
        // The jump block's erase block is kept with it.
        let others = [self.golden.address, self.bytes - ERASE_BLOCK];
        Some(FlashMap::new(self.primary.address, self.installed.address, key, &others))
    }

    /// Octets from where an image begins up to what is behind it.
    pub fn room(&self, role: Role) -> u32 {
        let from = self.address(role);
        let key = self.key.iter().map(|key| key.address);
        // The jump block shares its erase block with nothing.
        let jump = self.bytes - ERASE_BLOCK;
        let others = [self.golden.address, self.installed.address, jump].into_iter().chain(key);
        let behind = others.filter(|address| *address > from).min();
        behind.expect("the jump block is behind every image") - from
    }
}

fn quoted(text: &str) -> String {
    format!("{text:?}")
}
