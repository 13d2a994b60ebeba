// Words leave in the order they came, as long as no more than three wait and none is taken that is not there.
module prove(input clock, input reset, input write, input [3:0] data_in, input read);
    wire [3:0] data_out;
    wire empty;
    `PART dut(.*);

    reg begun = 0;
    reg [1:0] count;
    reg [11:0] queue;
    wire [3:0] first = count == 0 && `FORWARDING ? data_in : queue[3:0];
    wire none = count == 0 && !(`FORWARDING && write);
    wire [11:0] rest = read ? queue >> 4 : queue;
    always @(posedge clock) begin
        begun <= 1;
        count <= reset ? 0 : count + write - read;
        queue <= (rest & ((12'd1 << {count - (read && count != 0), 2'd0}) - 12'd1))
            | (write && !(read && count == 0) ? {8'd0, data_in} << {count - (read && count != 0), 2'd0} : 12'd0);
    end
    always @* begin
        if (!begun) assume (reset);
        if (!reset) assume (!(read && none) && !(write && !read && count == 3));
    end
    always @* if (begun && !reset) begin
        a_empty: assert (empty == none);
        if (!none) a_order: assert (data_out == first);
    end
endmodule
