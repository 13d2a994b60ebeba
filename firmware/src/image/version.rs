//! Versions of images: three numbers that compare, and fit the comparison stamp of a PLDM component.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// `MAJOR.MINOR.BUILD`; a later one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ImageVersion {
    /// 0 to 255.
    pub major: u8,
    /// 0 to 255.
    pub minor: u8,
    /// 0 to 65535.
    pub build: u16,
}

/// A text that is no version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("version is {0:?}, should be MAJOR.MINOR.BUILD, at most 255.255.65535")]
pub struct VersionError(String);

impl ImageVersion {
    /// The comparison stamp of a PLDM component (DSP0267, ComponentComparisonStamp): greater for a later version.
    pub fn stamp(self) -> u32 {
        u32::from_be_bytes([self.major, self.minor, (self.build >> 8) as u8, self.build as u8])
    }
}

impl fmt::Display for ImageVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.build)
    }
}

impl FromStr for ImageVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<ImageVersion, VersionError> {
        let wrong = || VersionError(text.to_string());
        let mut parts = text.split('.');
        let mut next = || parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit())).ok_or_else(wrong);
        let (major, minor, build) = (next()?, next()?, next()?);
        let version = ImageVersion {
            major: major.parse().map_err(|_| wrong())?,
            minor: minor.parse().map_err(|_| wrong())?,
            build: build.parse().map_err(|_| wrong())?,
        };
        if parts.next().is_some() { Err(wrong()) } else { Ok(version) }
    }
}

impl TryFrom<String> for ImageVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<ImageVersion, VersionError> {
        text.parse()
    }
}

impl From<ImageVersion> for String {
    fn from(version: ImageVersion) -> String {
        version.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_compare_as_versions_do() {
        let sorted = ["0.0.1", "0.0.300", "0.1.0", "1.0.0", "1.2.3", "255.255.65535"];
        let versions: Vec<ImageVersion> = sorted.iter().map(|text| text.parse().expect("a version")).collect();
        assert!(versions.is_sorted() && versions.is_sorted_by_key(|version| version.stamp()));
        for (version, text) in versions.iter().zip(sorted) {
            assert_eq!(version.to_string(), text);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in
            ["", "1", "1.2", "1.2.3.4", "256.0.0", "1.2.65536", "1.2.x", "+1.2.3", "1..3", " 1.2.3", "1.2.3-rc1"]
        {
            assert!(text.parse::<ImageVersion>().is_err(), "{text}");
        }
    }
}
