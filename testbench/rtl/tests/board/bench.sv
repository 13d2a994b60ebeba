// One way through the board, octets in from a file in one clock and out to a file in another.
`timescale 1ps/1ps
module bench;
    reg wire_clock = 0, core_clock = 0, reset = 1;
    reg [9:0] octets [0:`COUNT - 1];
    reg [9:0] now = 0;
    integer at = 0, out;
    wire [7:0] m_octet;
    wire m_ctl_rise, m_ctl_fall, stat_high, stat_kept, stat_refused, stat_cut;
    way way(
        .wire_clock(wire_clock), .wire_reset(reset), .s_ctl_rise(now[9]), .s_ctl_fall(now[8]), .s_octet(now[7:0]),
        .core_clock(core_clock), .reset(reset), .m_octet(m_octet), .m_ctl_rise(m_ctl_rise), .m_ctl_fall(m_ctl_fall),
        .stat_high(stat_high), .stat_kept(stat_kept), .stat_refused(stat_refused), .stat_cut(stat_cut)
    );
    always #(`WIRE) wire_clock = ~wire_clock;
    always #(`CORE) core_clock = ~core_clock;
    initial begin
        $readmemh("in.hex", octets);
        out = $fopen("out.hex", "w");
        #(20 * `CORE) reset = 0;
    end
    // What the PHY drives changes behind the edge.
    always @(negedge wire_clock) if (!reset) begin
        now <= at < `COUNT ? octets[at] : 10'd0;
        at <= at + 1;
    end
    always @(posedge core_clock) if (!reset) begin
        $fdisplay(out, "%h", {2'b0, stat_high, stat_kept, stat_refused, stat_cut, m_ctl_rise, m_ctl_fall, m_octet});
        if (at > `COUNT + `AFTER) begin
            $fclose(out);
            $finish;
        end
    end
endmodule
