use weir_hdl::board::*;
use weir_spec::nic::Identity;
fn main() {
    let s =
        Settings { identity: Identity { clock_khz: 125_000, board: 1, ..Identity::default() }, ..Settings::default() };
    let p = |n: &str| PortPads { name: n.into(), mdio: n.into(), late: false };
    let ring = Ring {
        clock: "clk100".into(),
        pll: Pll::find(100_000, 125_000).unwrap(),
        button: Some("rst_n".into()),
        lights: Some(Lights { name: "led_n".into(), count: 8, low: true }),
        switch: p("eth0"),
        host: p("eth1"),
    };
    match std::env::args().nth(1).as_deref() {
        Some("bench") => print!("{}", bench(s).unwrap()),
        _ => print!("{}", board(&ring, s).unwrap()),
    }
}
