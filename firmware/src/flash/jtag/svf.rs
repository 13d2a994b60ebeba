//! Questions to an ECP5, as SVF that is played and compared.

/// What openFPGALoader says when an answer is another.
pub(super) const MISMATCH: &str = "isn't the one expected";

/// LSC_REFRESH: the part boots, as if its power had come on.
pub(super) const REFRESH: &str = "SIR 8 TDI (79);\nRUNTEST IDLE 100 TCK;";
/// LSC_READ_STATUS: an image runs.
pub(super) const DONE: &str = "SIR 8 TDI (3C);\nSDR 32 TDI (00000000) TDO (00000100) MASK (00000100);";
/// LSC_READ_STATUS: the primary image did not boot.
pub(super) const PRIMARY_FAILED: &str = "SIR 8 TDI (3C);\nSDR 32 TDI (00000000) TDO (00200000) MASK (00200000);";

/// The flash's status register (05h) has no protection bit set. The part is erased for it, as for every access to its flash:
/// ISC_ENABLE, ISC_ERASE, ISC_DISABLE, then LSC_PROG_SPI with its key. SPI is most significant bit first and SVF least, so 05h is
/// A0h here, and bits 6 to 2 of the answer are bits 9 to 13.
pub(super) const UNPROTECTED: &str = "SIR 8 TDI (C6);\nSDR 8 TDI (00);\nRUNTEST IDLE 1000 TCK;\n\
    SIR 8 TDI (0E);\nSDR 8 TDI (01);\nRUNTEST IDLE 100000 TCK;\n\
    SIR 8 TDI (26);\nRUNTEST IDLE 1000 TCK;\nSIR 8 TDI (FF);\nRUNTEST IDLE 100 TCK;\n\
    SIR 8 TDI (3A);\nSDR 16 TDI (68FE);\nRUNTEST IDLE 100 TCK;\n\
    SDR 16 TDI (00A0) TDO (0000) MASK (3E00);";

/// USERCODE: it is this.
pub(super) fn usercode(code: u32) -> String {
    format!("SIR 8 TDI (C0);\nSDR 32 TDI (00000000) TDO ({code:08X}) MASK (FFFFFFFF);")
}

/// A whole file.
pub(super) fn script(lines: &str) -> String {
    format!("ENDIR IDLE;\nENDDR IDLE;\n{lines}\n")
}
