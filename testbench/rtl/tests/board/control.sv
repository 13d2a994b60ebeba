// The port of control frames: beats in from a file, registers that remember, beats of answers out to a file.
`timescale 1ns/1ps
module bench;
    reg clock = 0, reset = 1;
    // A beat: there, last, number of its last byte, data. One that is not there is a wait.
    reg [68:0] beats [0:`COUNT - 1];
    reg [31:0] words [0:65535];
    integer at = 0, waits = 0, out, i;
    wire there = !reset && at < `COUNT && beats[at][68];
    wire s_taken, m_valid, m_last, awvalid, wvalid, bready, arvalid, rready, store, keyed;
    wire [63:0] m_data;
    wire [2:0] m_last_byte;
    wire [17:0] awaddr, araddr;
    wire [31:0] wdata;
    wire [3:0] wstrb;
    wire [127:0] store_key;
    wire [4:0] stats;
    reg awready = 0, arready = 0, bvalid = 0, rvalid = 0;
    reg [1:0] response = 0;
    reg [31:0] rdata = 0;
    control_port port(
        .clock(clock), .reset(reset), .s_valid(there), .s_data(beats[at][63:0]), .s_last_byte(beats[at][66:64]),
        .s_last(beats[at][67]), .s_taken(s_taken),
        .m_valid(m_valid), .m_data(m_data), .m_last_byte(m_last_byte), .m_last(m_last), .m_taken(m_valid),
        .m_axil_awaddr(awaddr), .m_axil_awvalid(awvalid), .m_axil_awready(awready), .m_axil_wdata(wdata),
        .m_axil_wstrb(wstrb), .m_axil_wvalid(wvalid), .m_axil_wready(awready), .m_axil_bresp(response),
        .m_axil_bvalid(bvalid), .m_axil_bready(bready), .m_axil_araddr(araddr), .m_axil_arvalid(arvalid),
        .m_axil_arready(arready), .m_axil_rdata(rdata), .m_axil_rresp(response), .m_axil_rvalid(rvalid),
        .m_axil_rready(rready),
        .key_ready(1'b1), .key_there(1'b1), .key(`KEY), .boot_there(1'b1), .boot(20'd5), .store(store),
        .store_key(store_key), .stored(1'b0), .store_failed(1'b0), .keyed(keyed), .stat_malformed(stats[0]),
        .stat_tag(stats[1]), .stat_session(stats[2]), .stat_sequence(stats[3]), .stat_missed(stats[4])
    );
    always #4 clock = ~clock;
    initial begin
        for (i = 0; i < 65536; i = i + 1) words[i] = 0;
        $readmemh("beats.hex", beats);
        out = $fopen("out.hex", "w");
        #100 reset = 0;
    end
    always @(posedge clock) if (!reset) begin
        if (at == `COUNT) begin
            $fclose(out);
            $finish;
        end
        if (there && s_taken) at <= at + 1;
        if (!there) begin
            waits <= waits == `WAIT ? 0 : waits + 1;
            if (waits == `WAIT) at <= at + 1;
        end
        if (m_valid) $fdisplay(out, "%h", {4'd0, m_last, m_last_byte, m_data});
        if (stats != 0) $fdisplay(out, "%h", {8'h80, 59'd0, stats});
        awready <= awvalid && wvalid && !awready && !bvalid;
        arready <= arvalid && !arready && !rvalid;
        if (awready) begin
            bvalid <= 1;
            response <= awaddr >= 18'h3f000 ? 2 : 0;
            if (awaddr < 18'h3f000) words[awaddr[17:2]] <= wdata;
        end
        if (arready) begin
            rvalid <= 1;
            response <= araddr >= 18'h3f000 ? 2 : 0;
            rdata <= words[araddr[17:2]];
        end
        if (bvalid && bready) bvalid <= 0;
        if (rvalid && rready) rvalid <= 0;
    end
endmodule
