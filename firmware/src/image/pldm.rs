//! The container: a PLDM firmware package, version 1.0 (DMTF DSP0267).
//!
//! Little-endian throughout. A header of the package's UUID, its own size, the time of release and a version; one device
//! record with the descriptors it matches by; one record a component; a CRC-32 over all that; then the components. Linux
//! (`lib/pldmfw`), `fwupd` and the `pldm-fw` crate read it. What DSP0267 allows and Weir does not write (downstream devices,
//! several device records, other strings than ASCII and UTF-8) is refused by name.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Of packages in header format 1 (DSP0267 1.0).
const UUID: [u8; 16] = [0xf0, 0x18, 0x87, 0x8c, 0xcb, 0x7d, 0x49, 0x43, 0x98, 0x00, 0xa0, 0x2f, 0x05, 0x9a, 0xca, 0x02];
const FORMAT_REVISION: u8 = 1;
/// Bits of the map of applicable components: one octet's worth.
const BITMAP_BITS: u16 = 8;
const ASCII: u8 = 1;
const UTF8: u8 = 2;

/// Types of descriptors (DSP0267).
const DESCRIPTOR_UUID: u16 = 0x0002;
const DESCRIPTOR_VENDOR: u16 = 0xffff;

/// A package, apart from what its components mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Package {
    /// Of the package as a whole.
    pub(super) version: String,
    /// Seconds since 1970; a reproducible package has that of its source.
    pub(super) released: i64,
    /// What it is for.
    pub(super) device: Device,
    /// What it brings, in the order of the file.
    pub(super) components: Vec<Component>,
}

/// What a package matches by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// The first descriptor; which kinds may be first is said in DSP0267, and a board without PCI has this one.
    pub(super) uuid: [u8; 16],
    /// Further ones: a title and octets each.
    pub(super) vendor: Vec<(String, Vec<u8>)>,
    /// Octets that are handed to whoever updates the device.
    pub(super) data: Vec<u8>,
}

/// A component.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Component {
    /// 000ah is firmware, 0001h other (DSP0267).
    pub(super) classification: u16,
    /// Tells components of one classification apart.
    pub(super) identifier: u16,
    /// Later is greater.
    pub(super) stamp: u32,
    /// How it comes into force, as bits (DSP0267): bit 0 by itself, bit 5 by a cycle of AC power.
    pub(super) activation: u16,
    /// In words.
    pub(super) version: String,
    /// The payload.
    pub(super) octets: Vec<u8>,
}

/// Why octets are no package of ours.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PldmError {
    /// It ends too early.
    #[error("the package ends at octet {length} inside {inside}")]
    Truncated {
        /// Its length.
        length: usize,
        /// What was being read.
        inside: &'static str,
    },
    /// Not a package, or one of another version.
    #[error("no PLDM package of header format 1: it does not begin with f018878c-cb7d-4943-9800-a02f059aca02")]
    NotPldm,
    /// A CRC that does not hold.
    #[error("the header's CRC-32 is {found:08x}, computed {computed:08x}: the header was changed")]
    Checksum {
        /// What it says.
        found: u32,
        /// What it should say.
        computed: u32,
    },
    /// A field with a value that Weir's packages do not have.
    #[error("{field} is {value}, should be {wanted}")]
    Field {
        /// Which.
        field: &'static str,
        /// What it says.
        value: String,
        /// What would be right.
        wanted: String,
    },
}

fn wrong(field: &'static str, value: impl ToString, wanted: impl ToString) -> PldmError {
    PldmError::Field { field, value: value.to_string(), wanted: wanted.to_string() }
}

/// Writes a package.
///
/// # Errors
///
/// [`PldmError::Field`] for texts over 255 octets, more than 8 components or 255 descriptors, and more than the 4 GiB and the
/// 64 KiB of header that the format can say.
pub(super) fn write(package: &Package) -> Result<Vec<u8>, PldmError> {
    let mut header = Vec::new();
    header.extend(UUID);
    header.push(FORMAT_REVISION);
    header.extend([0, 0]); // the size, below
    header.extend(timestamp(package.released)?);
    header.extend(BITMAP_BITS.to_le_bytes());
    push_text(&mut header, "package version", &package.version)?;

    let count = package.components.len();
    if count > usize::from(BITMAP_BITS) {
        return Err(wrong("components", count, format!("at most {BITMAP_BITS}")));
    }
    header.push(1);
    push_device(&mut header, &package.device, ((1_u16 << count) - 1) as u8, &package.version)?;

    header.extend((count as u16).to_le_bytes());
    let records: usize = package.components.iter().map(|component| 22 + component.version.len()).sum();
    let size = header.len() + records + 4;
    let mut offset = size;
    for component in &package.components {
        header.extend(component.classification.to_le_bytes());
        header.extend(component.identifier.to_le_bytes());
        header.extend(component.stamp.to_le_bytes());
        // Bit 1: the stamp may be compared.
        header.extend(2_u16.to_le_bytes());
        header.extend(component.activation.to_le_bytes());
        header.extend(small(offset, "component offset")?.to_le_bytes());
        header.extend(small(component.octets.len(), "component size")?.to_le_bytes());
        push_text(&mut header, "component version", &component.version)?;
        offset += component.octets.len();
    }
    let told = u16::try_from(size).map_err(|_| wrong("header size", size, "at most 65535 octets"))?;
    header[17..19].copy_from_slice(&told.to_le_bytes());
    header.extend(crc32fast::hash(&header).to_le_bytes());
    debug_assert_eq!(header.len(), size);
    for component in &package.components {
        header.extend(&component.octets);
    }
    Ok(header)
}

fn push_device(header: &mut Vec<u8>, device: &Device, components: u8, version: &str) -> Result<(), PldmError> {
    let mut record = Vec::new();
    let descriptors = 1 + device.vendor.len();
    record.push(u8::try_from(descriptors).map_err(|_| wrong("descriptors", descriptors, "at most 255"))?);
    record.extend(0_u32.to_le_bytes()); // options: none
    record.push(ASCII);
    record.push(short(version, "device version")?);
    let data = u16::try_from(device.data.len());
    record.extend(data.map_err(|_| wrong("package data", device.data.len(), "at most 65535 octets"))?.to_le_bytes());
    record.push(components);
    record.extend(version.as_bytes());
    record.extend(DESCRIPTOR_UUID.to_le_bytes());
    record.extend(16_u16.to_le_bytes());
    record.extend(device.uuid);
    for (title, value) in &device.vendor {
        let length = 2 + title.len() + value.len();
        record.extend(DESCRIPTOR_VENDOR.to_le_bytes());
        let told = u16::try_from(length);
        record.extend(told.map_err(|_| wrong("descriptor", length, "at most 65535 octets"))?.to_le_bytes());
        push_text(&mut record, "descriptor title", title)?;
        record.extend(value);
    }
    record.extend(&device.data);
    let length = record.len() + 2;
    let told = u16::try_from(length).map_err(|_| wrong("device record", length, "at most 65535 octets"))?;
    header.extend(told.to_le_bytes());
    header.extend(record);
    Ok(())
}

fn small(value: usize, field: &'static str) -> Result<u32, PldmError> {
    u32::try_from(value).map_err(|_| wrong(field, value, "below 4 GiB"))
}

fn short(text: &str, field: &'static str) -> Result<u8, PldmError> {
    if !text.is_ascii() {
        return Err(wrong(field, format!("{text:?}"), "ASCII"));
    }
    u8::try_from(text.len()).map_err(|_| wrong(field, text.len(), "at most 255 octets"))
}

fn push_text(header: &mut Vec<u8>, field: &'static str, text: &str) -> Result<(), PldmError> {
    header.extend([ASCII, short(text, field)?]);
    header.extend(text.as_bytes());
    Ok(())
}

/// `timestamp104` (DSP0240): minutes from UTC, microseconds, then the date and time from the seconds up, and a resolution.
fn timestamp(seconds: i64) -> Result<[u8; 13], PldmError> {
    let wanted = "a second of the years 1970 to 9999";
    let time = Timestamp::from_second(seconds).ok().filter(|_| seconds >= 0);
    let time = time.ok_or_else(|| wrong("release time", seconds, wanted))?.to_zoned(TimeZone::UTC).datetime();
    let year = (time.year() as u16).to_le_bytes();
    let small = [time.second(), time.minute(), time.hour(), time.day(), time.month()].map(|value| value as u8);
    let mut octets = [0; 13];
    octets[5..10].copy_from_slice(&small);
    octets[10..12].copy_from_slice(&year);
    // UTC is exact, the time is known to the second.
    octets[12] = 0x05;
    Ok(octets)
}

fn seconds(octets: &[u8; 13]) -> Result<i64, PldmError> {
    let year = i16::from_le_bytes([octets[10], octets[11]]);
    let [second, minute, hour, day, month] = [5, 6, 7, 8, 9].map(|at| octets[at] as i8);
    let told = || format!("{year}-{month}-{day} {hour}:{minute}:{second}");
    let wrong = || wrong("release time", told(), "a date and time of UTC in whole seconds");
    let time = jiff::civil::DateTime::new(year, month, day, hour, minute, second, 0).map_err(|_| wrong())?;
    let zoned = time.to_zoned(TimeZone::UTC).map_err(|_| wrong())?;
    let seconds = zoned.timestamp().as_second();
    // Only what is written here is read: the rest of the field is checked by writing it again.
    if timestamp(seconds).ok().as_ref() == Some(octets) { Ok(seconds) } else { Err(wrong()) }
}

/// Reads a package, and takes nothing on trust: components follow the header and each other without gaps, and nothing follows
/// the last.
pub(super) fn read(octets: &[u8]) -> Result<Package, PldmError> {
    let mut file = Cursor { octets, at: 0 };
    if file.take(16, "the UUID")? != UUID {
        return Err(PldmError::NotPldm);
    }
    if file.u8("the header")? != FORMAT_REVISION {
        return Err(PldmError::NotPldm);
    }
    let size = usize::from(file.u16("the header")?);
    if size < file.at + 4 || size > octets.len() {
        return Err(PldmError::Truncated { length: octets.len(), inside: "the header" });
    }
    let (header, crc) = octets[..size].split_at(size - 4);
    let found = u32::from_le_bytes(crc.try_into().expect("four octets were split off"));
    let computed = crc32fast::hash(header);
    if found != computed {
        return Err(PldmError::Checksum { found, computed });
    }

    let mut header = Cursor { octets: header, at: file.at };
    let released = seconds(header.take(13, "the release time")?.try_into().expect("13 octets were taken"))?;
    let bits = header.u16("the header")?;
    if bits != BITMAP_BITS {
        return Err(wrong("component bitmap", format!("{bits} bits"), format!("{BITMAP_BITS} bits")));
    }
    let version = header.text("the package version")?;
    let records = header.u8("the device records")?;
    if records != 1 {
        return Err(wrong("device records", records, 1));
    }
    let (device, applicable) = device(&mut header, &version)?;
    let count = header.u16("the components")?;
    if count > BITMAP_BITS || applicable != ((1_u32 << count) - 1) as u8 {
        return Err(wrong("components", count, format!("those of the bitmap {applicable:#04x}")));
    }
    let mut components = Vec::new();
    let mut end = size;
    for _ in 0..count {
        let (component, length) = component(&mut header, end)?;
        let from = end;
        end = end.saturating_add(length);
        let payload = octets.get(from..end);
        let payload = payload.ok_or(PldmError::Truncated { length: octets.len(), inside: "a component" })?;
        components.push(Component { octets: payload.to_vec(), ..component });
    }
    if header.at != header.octets.len() {
        return Err(wrong("header size", size, header.at + 4));
    }
    if end != octets.len() {
        return Err(wrong("length of the package", octets.len(), end));
    }
    Ok(Package { version, released, device, components })
}

fn device(header: &mut Cursor<'_>, version: &str) -> Result<(Device, u8), PldmError> {
    let start = header.at;
    let length = usize::from(header.u16("a device record")?);
    let descriptors = header.u8("a device record")?;
    let options = header.u32("a device record")?;
    if options != 0 {
        return Err(wrong("device options", format!("{options:#x}"), 0));
    }
    let (kind, text_length) = (header.u8("a device record")?, header.u8("a device record")?);
    let data_length = usize::from(header.u16("a device record")?);
    let applicable = header.u8("a device record")?;
    let text = header.text_of(kind, text_length, "the device version")?;
    if text != version {
        return Err(wrong("device version", text, version));
    }
    let mut uuid = None;
    let mut vendor = Vec::new();
    for _ in 0..descriptors {
        let (kind, length) = (header.u16("a descriptor")?, header.u16("a descriptor")?);
        let mut value = Cursor { octets: header.take(length.into(), "a descriptor")?, at: 0 };
        match (kind, uuid) {
            (DESCRIPTOR_UUID, None) if length == 16 => {
                uuid = Some(value.octets.try_into().expect("16 octets were taken"));
            }
            (DESCRIPTOR_VENDOR, Some(_)) => {
                let title = value.text("a descriptor's title")?;
                vendor.push((title, value.octets[value.at..].to_vec()));
            }
            _ => {
                let told = format!("type {kind:#06x} of {length} octets");
                return Err(wrong("descriptor", told, "a UUID of 16 octets first, then vendor's own (0xffff)"));
            }
        }
    }
    let uuid = uuid.ok_or_else(|| wrong("descriptors", 0, "a UUID at least"))?;
    let data = header.take(data_length, "the package data")?.to_vec();
    if header.at - start != length {
        return Err(wrong("length of the device record", length, header.at - start));
    }
    Ok((Device { uuid, vendor, data }, applicable))
}

fn component(header: &mut Cursor<'_>, end: usize) -> Result<(Component, usize), PldmError> {
    let inside = "a component's record";
    let (classification, identifier) = (header.u16(inside)?, header.u16(inside)?);
    let stamp = header.u32(inside)?;
    let options = header.u16(inside)?;
    if options != 2 {
        return Err(wrong("component options", format!("{options:#x}"), "0x2, the stamp may be compared"));
    }
    let activation = header.u16(inside)?;
    let (offset, length) = (header.u32(inside)? as usize, header.u32(inside)? as usize);
    if offset != end {
        return Err(wrong("component offset", offset, end));
    }
    let version = header.text("a component's version")?;
    Ok((Component { classification, identifier, stamp, activation, version, octets: Vec::new() }, length))
}

struct Cursor<'a> {
    octets: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn take(&mut self, count: usize, inside: &'static str) -> Result<&'a [u8], PldmError> {
        let taken = self.octets[self.at..].get(..count);
        let taken = taken.ok_or(PldmError::Truncated { length: self.octets.len(), inside })?;
        self.at += count;
        Ok(taken)
    }

    fn u8(&mut self, inside: &'static str) -> Result<u8, PldmError> {
        Ok(self.take(1, inside)?[0])
    }

    fn u16(&mut self, inside: &'static str) -> Result<u16, PldmError> {
        Ok(u16::from_le_bytes(self.take(2, inside)?.try_into().expect("two octets were taken")))
    }

    fn u32(&mut self, inside: &'static str) -> Result<u32, PldmError> {
        Ok(u32::from_le_bytes(self.take(4, inside)?.try_into().expect("four octets were taken")))
    }

    /// A text with its type and length in front.
    fn text(&mut self, inside: &'static str) -> Result<String, PldmError> {
        let (kind, length) = (self.u8(inside)?, self.u8(inside)?);
        self.text_of(kind, length, inside)
    }

    fn text_of(&mut self, kind: u8, length: u8, inside: &'static str) -> Result<String, PldmError> {
        let octets = self.take(length.into(), inside)?;
        let told = || format!("type {kind}, {octets:02x?}");
        let text = match kind {
            ASCII if octets.is_ascii() => std::str::from_utf8(octets).ok(),
            UTF8 => std::str::from_utf8(octets).ok(),
            _ => None,
        };
        text.map(String::from).ok_or_else(|| wrong(inside, told(), "ASCII (type 1) or UTF-8 (type 2)"))
    }
}
