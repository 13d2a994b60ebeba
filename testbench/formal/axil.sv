// Each request is answered once, and its answer is stable until it is taken; who waits gets its turn.
module prove(input clock, input reset,
             input [17:0] awaddr, input awvalid, input [31:0] wdata, input [3:0] wstrb, input wvalid, input bready,
             input [17:0] araddr, input arvalid, input rready, input done, input refused, input [31:0] answer);
    wire awready, wready, bvalid, arready, rvalid, m_request, m_write, m_whole;
    wire [1:0] bresp, rresp;
    wire [31:0] rdata, m_wdata;
    wire [17:0] m_address;
    part_axil dut(.*);

    reg begun = 0;
    reg pending, owes_b, owes_r, taken, served, wrote;
    // Clocks for which somebody has waited and nothing was under way.
    reg [1:0] idle;
    wire takes_write = awvalid && awready;
    wire takes_read = arvalid && arready;
    // What is valid and not taken.
    reg kept_aw, kept_w, kept_ar;
    reg [17:0] last_awaddr, last_araddr;
    reg [35:0] last_w;
    wire waits = awvalid && wvalid || arvalid;
    wire under_way = taken || pending || bvalid || rvalid;
    always @(posedge clock) begin
        begun <= 1;
        taken <= (takes_write || takes_read) && !reset;
        // What lies behind answers each request once, a clock later at the earliest.
        pending <= !reset && (m_request || pending && !done);
        owes_b <= !reset && (takes_write || owes_b && !(bvalid && bready));
        owes_r <= !reset && (takes_read || owes_r && !(rvalid && rready));
        served <= !reset && (served || takes_write || takes_read);
        if (takes_write || takes_read) wrote <= takes_write;
        kept_aw <= awvalid && !awready && !reset;
        kept_w <= wvalid && !wready && !reset;
        kept_ar <= arvalid && !arready && !reset;
        last_awaddr <= awaddr;
        last_araddr <= araddr;
        last_w <= {wdata, wstrb};
        idle <= reset || under_way || !waits || takes_write || takes_read ? 0 : idle + 2'd1;
    end
    always @* begin
        if (!begun) assume (reset);
        if (!reset) assume (!done || pending);
        // The rule of AXI: who is valid stays so, and says the same, until it is taken.
        if (begun && !reset) begin
            if (kept_aw) assume (awvalid && awaddr == last_awaddr);
            if (kept_w) assume (wvalid && {wdata, wstrb} == last_w);
            if (kept_ar) assume (arvalid && araddr == last_araddr);
        end
    end
    always @* if (begun && !reset) begin
        a_together: assert (awready == wready && (!awready || awvalid && wvalid) && (!arready || arvalid));
        a_one_at_a_time: assert (!(takes_write && takes_read) && !((takes_write || takes_read) && (owes_b || owes_r)));
        a_passed_on_once: assert (m_request == taken);
        a_owed: assert ((!bvalid || owes_b) && (!rvalid || owes_r) && !(bvalid && rvalid));
        // An answer that is owed is on its way or there.
        a_answered: assert (!(owes_b || owes_r) || m_request || pending || bvalid || rvalid);
        a_served: assert (idle < 2);
    end
    always @(posedge clock) if (begun && !reset && !$past(reset)) begin
        if ($past(bvalid && !bready)) a_b_stable: assert (bvalid && bresp == $past(bresp));
        if ($past(rvalid && !rready)) a_r_stable: assert (rvalid && rresp == $past(rresp) && rdata == $past(rdata));
        if ($past(takes_write)) a_write: assert (m_write && m_address == $past(awaddr) && m_wdata == $past(wdata)
                                                 && m_whole == ($past(wstrb) == 15));
        if ($past(takes_read)) a_read: assert (!m_write && m_address == $past(araddr));
        if ($past(m_request || pending && !done)) a_holds: assert (m_write == $past(m_write) && m_whole == $past(m_whole)
                                                 && m_address == $past(m_address) && m_wdata == $past(m_wdata));
        if ($past(done && owes_r)) a_result: assert (rvalid && rresp == ($past(refused) ? 2 : 0)
                                                     && rdata == ($past(refused) ? 0 : $past(answer)));
        if ($past(done && owes_b)) a_response: assert (bvalid && bresp == ($past(refused) ? 2 : 0));
        // Both have waited: the one that was not served last comes first.
        if (served && $past(served && awvalid && wvalid && arvalid) && (takes_write || takes_read))
            a_turns: assert (takes_write != wrote);
    end
endmodule
