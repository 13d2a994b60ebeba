//! A PCI function as `weir nic` shows it.

use serde::Serialize;
use weir_nic::pci::Function;

/// One object of the JSON of `weir nic list`.
#[derive(Serialize)]
pub(super) struct Shown {
    pub(super) address: String,
    /// Vendor and device, as `1af4:10f5`.
    pub(super) id: String,
    /// Base class and subclass, as `0200`.
    pub(super) class: String,
    /// Bytes of BAR 0 in memory.
    pub(super) bar0_bytes: u64,
    pub(super) driver: Option<String>,
    pub(super) iommu_group: Option<u32>,
    /// The others of the group.
    pub(super) shares_group_with: Vec<String>,
    pub(super) interfaces: Vec<String>,
}

impl Shown {
    pub(super) fn of(function: &Function) -> Shown {
        let [base, sub, _] = function.class;
        let group = function.group.as_ref();
        let others = group.into_iter().flat_map(|group| &group.members).filter(|member| **member != function.address);
        Shown {
            address: function.address.to_string(),
            id: format!("{:04x}:{:04x}", function.vendor, function.device),
            class: format!("{base:02x}{sub:02x}"),
            bar0_bytes: function.registers().map_or(0, |bar| bar.size),
            driver: function.driver.name().map(str::to_owned),
            iommu_group: group.map(|group| group.number),
            shares_group_with: others.map(ToString::to_string).collect(),
            interfaces: function.interfaces.clone(),
        }
    }
}
