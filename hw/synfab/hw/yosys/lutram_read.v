// SPDX-License-Identifier: Apache-2.0
// LUT memories as `ltp` has to see them: reading is one level of logic from address to data, writing ends a
// path. `ltp` takes every input of a cell to reach every output; a parity stands for "one cell", a flip-flop for
// the end of a path.

module RAM32M (
    output [1:0] DOA, DOB, DOC, DOD,
    input [4:0] ADDRA, ADDRB, ADDRC, ADDRD,
    input [1:0] DIA, DIB, DIC, DID,
    input WCLK, WE
);
    assign {DOA, DOB, DOC, DOD} = {{2{^ADDRA}}, {2{^ADDRB}}, {2{^ADDRC}}, {2{^ADDRD}}};
    (* keep *) FDRE write [12:0] (.C(WCLK), .CE(WE), .D({DIA, DIB, DIC, DID, ADDRD}));
endmodule

module RAM64M (
    output DOA, DOB, DOC, DOD,
    input [5:0] ADDRA, ADDRB, ADDRC, ADDRD,
    input DIA, DIB, DIC, DID, WCLK, WE
);
    assign {DOA, DOB, DOC, DOD} = {^ADDRA, ^ADDRB, ^ADDRC, ^ADDRD};
    (* keep *) FDRE write [9:0] (.C(WCLK), .CE(WE), .D({DIA, DIB, DIC, DID, ADDRD}));
endmodule

module RAM32X1D (output DPO, SPO, input D, WCLK, WE, A0, A1, A2, A3, A4, DPRA0, DPRA1, DPRA2, DPRA3, DPRA4);
    assign SPO = ^{A0, A1, A2, A3, A4};
    assign DPO = ^{DPRA0, DPRA1, DPRA2, DPRA3, DPRA4};
    (* keep *) FDRE write [5:0] (.C(WCLK), .CE(WE), .D({D, A0, A1, A2, A3, A4}));
endmodule

module RAM64X1D (
    output DPO, SPO,
    input D, WCLK, WE, A0, A1, A2, A3, A4, A5, DPRA0, DPRA1, DPRA2, DPRA3, DPRA4, DPRA5
);
    assign SPO = ^{A0, A1, A2, A3, A4, A5};
    assign DPO = ^{DPRA0, DPRA1, DPRA2, DPRA3, DPRA4, DPRA5};
    (* keep *) FDRE write [6:0] (.C(WCLK), .CE(WE), .D({D, A0, A1, A2, A3, A4, A5}));
endmodule

module RAM128X1D (output DPO, SPO, input D, WCLK, WE, input [6:0] A, DPRA);
    assign SPO = ^A;
    assign DPO = ^DPRA;
    (* keep *) FDRE write [7:0] (.C(WCLK), .CE(WE), .D({D, A}));
endmodule
