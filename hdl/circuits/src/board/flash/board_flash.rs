//! One flash for two: what the board remembers comes first, the host's window when it has nothing to ask.

use rust_hdl::prelude::*;

use super::key_store::KeyStore;
use super::transfer::Transfer;
use super::usrmclk::Usrmclk;
use super::window::Window;
use super::FlashMap;

/// See the module. A bit on its wires takes `2^D` clocks; a flash that is busy is asked `2^P` times.
#[derive(LogicBlock)]
pub struct BoardFlash<const D: usize, const P: usize> {
    /// Core clock.
    pub clock: Signal<In, Clock>,
    /// Begin anew.
    pub reset: Signal<In, Bit>,
    /// Chip select, low.
    pub spi_cs_n: Signal<Out, Bit>,
    /// Clock of the flash as it goes to [`Usrmclk`], for benches and boards where it is a pin.
    pub spi_clock: Signal<Out, Bit>,
    /// To the flash.
    pub spi_mosi: Signal<Out, Bit>,
    /// From the flash.
    pub spi_miso: Signal<In, Bit>,

    /// See [`KeyStore`].
    pub key_ready: Signal<Out, Bit>,
    /// See [`KeyStore`].
    pub key_there: Signal<Out, Bit>,
    /// See [`KeyStore`].
    pub key: Signal<Out, Bits<128>>,
    /// See [`KeyStore`].
    pub boot_there: Signal<Out, Bit>,
    /// See [`KeyStore`].
    pub boot: Signal<Out, Bits<20>>,
    /// See [`KeyStore`].
    pub store: Signal<In, Bit>,
    /// See [`KeyStore`].
    pub store_key: Signal<In, Bits<128>>,
    /// See [`KeyStore`].
    pub stored: Signal<Out, Bit>,
    /// See [`KeyStore`].
    pub store_failed: Signal<Out, Bit>,

    /// See [`Window`].
    pub w_go: Signal<In, Bit>,
    /// See [`Window`].
    pub w_opcode: Signal<In, Bits<8>>,
    /// See [`Window`].
    pub w_address: Signal<In, Bits<24>>,
    /// See [`Window`].
    pub w_count: Signal<In, Bits<9>>,
    /// See [`Window`].
    pub w_busy: Signal<Out, Bit>,
    /// See [`Window`].
    pub w_lawful: Signal<Out, Bit>,
    /// See [`Window`].
    pub w_we: Signal<In, Bit>,
    /// See [`Window`].
    pub w_at: Signal<In, Bits<6>>,
    /// See [`Window`].
    pub w_data: Signal<In, Bits<32>>,
    /// See [`Window`].
    pub w_word: Signal<Out, Bits<32>>,

    keys: KeyStore<P>,
    window: Window,
    transfer: Transfer<D>,
    usrmclk: Usrmclk,
    // The transaction is of the host; begins.
    of_host: DFF<Bit>,
    begins: DFF<Bit>,
    // What the transfer tells goes a long way to the keys: a clock.
    keys_at: DFF<Bits<17>>,
    keys_came: DFF<Bit>,
    keys_done: DFF<Bit>,
    free: Signal<Local, Bit>,
    takes_keys: Signal<Local, Bit>,
    takes_host: Signal<Local, Bit>,
}

impl<const D: usize, const P: usize> BoardFlash<D, P> {
    /// This flash.
    pub fn new(map: FlashMap) -> Self {
        BoardFlash {
            clock: Default::default(),
            reset: Default::default(),
            spi_cs_n: Default::default(),
            spi_clock: Default::default(),
            spi_mosi: Default::default(),
            spi_miso: Default::default(),
            key_ready: Default::default(),
            key_there: Default::default(),
            key: Default::default(),
            boot_there: Default::default(),
            boot: Default::default(),
            store: Default::default(),
            store_key: Default::default(),
            stored: Default::default(),
            store_failed: Default::default(),
            w_go: Default::default(),
            w_opcode: Default::default(),
            w_address: Default::default(),
            w_count: Default::default(),
            w_busy: Default::default(),
            w_lawful: Default::default(),
            w_we: Default::default(),
            w_at: Default::default(),
            w_data: Default::default(),
            w_word: Default::default(),
            keys: KeyStore::new(map),
            window: Window::new(map),
            transfer: Default::default(),
            usrmclk: Default::default(),
            of_host: Default::default(),
            begins: Default::default(),
            keys_at: Default::default(),
            keys_came: Default::default(),
            keys_done: Default::default(),
            free: Default::default(),
            takes_keys: Default::default(),
            takes_host: Default::default(),
        }
    }
}

impl<const D: usize, const P: usize> Logic for BoardFlash<D, P> {
    #[hdl_gen]
    fn update(&mut self) {
        dff_setup!(self, clock, of_host, begins, keys_at, keys_came, keys_done);
        clock!(self, clock, keys, window, transfer);
        self.keys.reset.next = self.reset.val();
        self.window.reset.next = self.reset.val();
        self.transfer.reset.next = self.reset.val();

        self.free.next = self.transfer.m_idle.val() & !self.begins.q.val() & !self.reset.val();
        self.takes_keys.next = self.free.val() & self.keys.t_wants.val();
        self.takes_host.next = self.free.val() & self.window.t_wants.val() & !self.keys.t_wants.val();
        self.keys.t_granted.next = self.takes_keys.val();
        self.window.t_granted.next = self.takes_host.val();
        self.begins.d.next = self.takes_keys.val() | self.takes_host.val();
        if self.takes_keys.val() | self.takes_host.val() {
            self.of_host.d.next = self.takes_host.val();
        }

        self.transfer.s_go.next = self.begins.q.val();
        self.transfer.s_blind.next = self.keys.t_blind.val() & !self.of_host.q.val();
        self.transfer.s_opcode.next = self.keys.t_opcode.val();
        self.transfer.s_addressed.next = self.keys.t_addressed.val();
        self.transfer.s_address.next = self.keys.t_address.val();
        self.transfer.s_out.next = self.keys.t_out.val();
        self.transfer.s_in.next = self.keys.t_in.val();
        self.transfer.s_octet.next = self.keys.t_octet.val();
        if self.of_host.q.val() {
            self.transfer.s_opcode.next = self.window.t_opcode.val();
            self.transfer.s_addressed.next = self.window.t_addressed.val();
            self.transfer.s_address.next = self.window.t_address.val();
            self.transfer.s_out.next = self.window.t_out.val();
            self.transfer.s_in.next = self.window.t_in.val();
            self.transfer.s_octet.next = self.window.t_octet.val();
        }
        self.keys_at.d.next = self.transfer.m_at.val();
        self.keys_came.d.next = self.transfer.m_came.val() & !self.of_host.q.val();
        self.keys_done.d.next = self.transfer.m_done.val() & !self.of_host.q.val();
        self.keys.t_at.next = self.keys_at.q.val();
        self.keys.t_came.next = self.keys_came.q.val();
        self.keys.t_in_octet.next = self.transfer.m_octet.val();
        self.keys.t_done.next = self.keys_done.q.val();
        self.window.t_at.next = self.transfer.m_at.val();
        self.window.t_came.next = self.transfer.m_came.val() & self.of_host.q.val();
        self.window.t_in_octet.next = self.transfer.m_octet.val();
        self.window.t_done.next = self.transfer.m_done.val() & self.of_host.q.val();

        self.usrmclk.d.next = self.transfer.spi_clock.val();
        self.spi_clock.next = self.usrmclk.q.val();
        self.spi_cs_n.next = self.transfer.spi_cs_n.val();
        self.spi_mosi.next = self.transfer.spi_mosi.val();
        self.transfer.spi_miso.next = self.spi_miso.val();

        self.key_ready.next = self.keys.key_ready.val();
        self.key_there.next = self.keys.key_there.val();
        self.key.next = self.keys.key.val();
        self.boot_there.next = self.keys.boot_there.val();
        self.boot.next = self.keys.boot.val();
        self.keys.store.next = self.store.val();
        self.keys.store_key.next = self.store_key.val();
        self.stored.next = self.keys.stored.val();
        self.store_failed.next = self.keys.store_failed.val();
        self.window.w_go.next = self.w_go.val();
        self.window.w_opcode.next = self.w_opcode.val();
        self.window.w_address.next = self.w_address.val();
        self.window.w_count.next = self.w_count.val();
        self.w_busy.next = self.window.w_busy.val();
        self.w_lawful.next = self.window.w_lawful.val();
        self.window.w_we.next = self.w_we.val();
        self.window.w_at.next = self.w_at.val();
        self.window.w_data.next = self.w_data.val();
        self.w_word.next = self.window.w_word.val();
        if self.reset.val() {
            self.begins.d.next = false;
            self.keys_came.d.next = false;
            self.keys_done.d.next = false;
        }
    }
}

#[cfg(test)]
mod tests;
