// A front says one thing of every frame, in order, a fixed time after the beat that ends its header window; and the source
// MAC that it names (with the macro MAC: this alone) is the one in the frame, or the frame is too short to have one, or it is
// late.
module prove(input clock, input reset, input [`W-1:0] tdata, input [`W/8-1:0] tkeep, input tvalid, input tlast);
    localparam W = `W, K = W / 8, HEADER = `HEADER, WINDOW = 128 / K, TO_KIND = `FRONT + `KIND_AT;
    wire a_valid, a_ipv6, p_valid, p_tcp, p_no_port, k_valid, k_late, k_mac_valid;
    wire [127:0] a_source, a_destination;
    wire [31:0] p_ports;
    wire [3:0] k_kind;
    wire [47:0] k_mac;
    `PART dut(.*);

    // The MAC is compared in one bit, whichever.
    (* anyconst *) reg [5:0] some;
    reg begun = 0;
    // The frame: is one under way, is its window open, one bit for the beat that is next, the clocks since its first.
    reg in_frame, open, whole;
    reg [WINDOW:0] next;
    reg [4:0] age;
    reg bit_of_mac;
    wire first = tvalid && !in_frame;
    wire second = open && next[1];
    wire counts = tvalid && (first || open);
    wire fires = counts && (tlast || !first && next[WINDOW-1]) || open && age == HEADER;
    // Octet 6 on top.
    wire [47:0] octets;
    wire here, bit_now = here ? octets[some] : bit_of_mac;
    wire whole_now;
    genvar g;
    generate
        if (W == 64) begin
            assign octets = {tdata[55:48], tdata[63:56], tdata[7:0], tdata[15:8], tdata[23:16], tdata[31:24]};
            assign here = some >= 32 ? first : tvalid && second;
            assign whole_now = tvalid && second ? !tlast || tkeep[3] : whole && !first;
        end else begin
            for (g = 0; g < 6; g = g + 1) assign octets[g*8 +: 8] = tdata[(11-g)*8 +: 8];
            assign here = first;
            assign whole_now = first ? !tlast || tkeep[11] : whole;
        end
    endgenerate
    // What fired: there, MAC whole, the frame went on, the bit.
    reg [3:0] way [1:TO_KIND];
    integer i;
    always @(posedge clock) begin
        begun <= 1;
        if (tvalid) in_frame <= !tlast;
        if (counts) next <= first ? 2 : next << 1;
        open <= first ? !fires : open && !fires;
        age <= first ? 1 : age + 5'd1;
        bit_of_mac <= bit_now;
        whole <= whole_now;
        way[1] <= {fires, whole_now, !(counts && tlast), bit_now};
        for (i = 2; i <= TO_KIND; i = i + 1) way[i] <= way[i - 1];
        if (reset) begin
            in_frame <= 0;
            open <= 0;
            for (i = 1; i <= TO_KIND; i = i + 1) way[i] <= 0;
        end
    end
    wire [K-1:0] above = tkeep + 1'b1;
    always @* begin
        if (!begun) assume (reset);
        assume (some < 48);
        if (tvalid && tlast) assume (tkeep[0] && (tkeep & above) == 0);
    end

    wire [3:0] now = way[TO_KIND];
    always @* if (begun && !reset) begin
`ifdef MAC
        if (k_valid) a_mac: assert (!k_mac_valid || k_mac[some] == now[0]);
`else
        a_once_in_time: assert (k_valid == now[3]);
        if (k_valid) begin
            a_whole: assert (k_mac_valid == now[2]);
            a_late: assert (k_mac_valid || !now[1] || k_late && k_kind == 0);
        end
`endif
    end
endmodule
