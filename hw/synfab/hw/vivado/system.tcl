# SPDX-License-Identifier: Apache-2.0
# The Versal system around the decoder: the processing system (CIPS) writes detection events into an AXI4-Stream
# FIFO, the decoder answers into the same FIFO. A decoder that takes weights has a second FIFO for them, and one that
# can refuse them a register that tells (PG144).
#
#   address      length  what
#   0xA4000000   64 KiB  the FIFO's registers (PG080)
#   0xA4010000   64 KiB  the FIFO's 64-bit data window
#   0xA4020000   64 KiB  the same of the weights' FIFO
#   0xA4030000   64 KiB
#   0xA4040000   64 KiB  the register: bit 0 of its first word is 1 if the last weights were refused
#
# The FIFO has no TUSER, so IP integrator ties the decoder's s_axis_tuser to 0: no block is aborted. The weights' FIFO
# sends packets, whose TLAST the decoder's w_axis does not have and does not need: a list of weights may be sent in
# packets of any length.
# Decoder and interconnect run on fabric clock 0 (pl0_ref_clk) at clock_mhz. No DDR memory and no board
# peripheral is configured, so the image loads over JTAG and the FIFO answers to the debugger or to code in
# on-chip memory. The flow follows UG994, "Module Reference in a Non-Project Flow".

# Connect pins of a net, each CELL/PIN, driver first.
proc connect_pins {driver args} {
    foreach pin $args { connect_bd_net [get_bd_pins $driver] [get_bd_pins $pin] }
}

# Connect pairs of interface pins, each CELL/INTERFACE.
proc connect_interfaces {args} {
    foreach {driver target} $args {
        connect_bd_intf_net [get_bd_intf_pins $driver] [get_bd_intf_pins $target]
    }
}

# Create a stream FIFO with a data window of 64 bits.
proc create_fifo {name args} {
    create_bd_cell -type ip -vlnv xilinx.com:ip:axi_fifo_mm_s $name
    set_property -dict [list \
        CONFIG.C_DATA_INTERFACE_TYPE 1 \
        CONFIG.C_S_AXI4_DATA_WIDTH 64 \
        CONFIG.C_USE_TX_CTRL 0 \
        CONFIG.C_TX_FIFO_DEPTH 4096 \
        {*}$args \
    ] [get_bd_cells $name]
}

# Create the cells: processing system, reset, interconnect, FIFOs, and the decoder's wrapper itself.
proc create_cells {wrapper clock_mhz weight_stream weight_status} {
    create_bd_cell -type ip -vlnv xilinx.com:ip:versal_cips processing_system
    set_property -dict [list \
        CONFIG.DESIGN_MODE 1 \
        CONFIG.CLOCK_MODE Custom \
        CONFIG.PS_PL_CONNECTIVITY_MODE Custom \
        CONFIG.PS_PMC_CONFIG [list \
            DESIGN_MODE 1 \
            CLOCK_MODE Custom \
            PS_PL_CONNECTIVITY_MODE Custom \
            PS_USE_PMCPL_CLK0 1 \
            PMC_CRP_PL0_REF_CTRL_FREQMHZ $clock_mhz \
            PS_NUM_FABRIC_RESETS 1 \
            PS_USE_M_AXI_FPD 1] \
    ] [get_bd_cells processing_system]
    create_bd_cell -type ip -vlnv xilinx.com:ip:proc_sys_reset reset
    create_bd_cell -type ip -vlnv xilinx.com:ip:smartconnect interconnect
    set_property -dict [list CONFIG.NUM_SI 1 CONFIG.NUM_MI [expr {2 + 2 * $weight_stream + $weight_status}]] \
        [get_bd_cells interconnect]
    create_fifo fifo CONFIG.C_RX_FIFO_DEPTH 4096
    if {$weight_stream} { create_fifo weight_fifo CONFIG.C_USE_RX_DATA 0 }
    if {$weight_status} {
        create_bd_cell -type ip -vlnv xilinx.com:ip:axi_gpio weight_status
        set_property -dict [list CONFIG.C_GPIO_WIDTH 1 CONFIG.C_ALL_INPUTS 1] [get_bd_cells weight_status]
    }
    create_bd_cell -type module -reference $wrapper decoder
}

# Map segments, each after its offset.
proc assign_addresses {args} {
    foreach {offset segment} $args {
        assign_bd_address -offset $offset -range 64K \
            -target_address_space [get_bd_addr_spaces processing_system/M_AXI_FPD] \
            [get_bd_addr_segs $segment]
    }
}

# Map the registers and the data window of a FIFO.
proc assign_fifo_addresses {fifo registers window} {
    assign_addresses $registers $fifo/S_AXI/Mem0 $window $fifo/S_AXI_FULL/Mem1
}

# Connect the FIFO of a decoder that takes weights.
proc connect_weight_fifo {} {
    connect_pins processing_system/pl0_ref_clk weight_fifo/s_axi_aclk
    connect_pins reset/peripheral_aresetn weight_fifo/s_axi_aresetn
    connect_interfaces \
        interconnect/M02_AXI weight_fifo/S_AXI \
        interconnect/M03_AXI weight_fifo/S_AXI_FULL \
        weight_fifo/AXI_STR_TXD decoder/w_axis
    assign_fifo_addresses weight_fifo 0xA4020000 0xA4030000
}

# Connect the register that tells whether weights were refused.
proc connect_weight_status {} {
    connect_pins processing_system/pl0_ref_clk weight_status/s_axi_aclk
    connect_pins reset/peripheral_aresetn weight_status/s_axi_aresetn
    connect_pins decoder/refused weight_status/gpio_io_i
    connect_interfaces interconnect/M04_AXI weight_status/S_AXI
    assign_addresses 0xA4040000 weight_status/S_AXI/Reg
}

# Create the block design in a folder of its own and read its top, system_wrapper.
proc create_system {wrapper clock_mhz weight_stream weight_status folder} {
    file delete -force $folder
    file mkdir $folder
    set_property source_mgmt_mode All [current_project]
    update_compile_order -fileset sources_1
    create_bd_design -dir $folder system
    create_cells $wrapper $clock_mhz $weight_stream $weight_status
    connect_pins processing_system/pl0_ref_clk processing_system/m_axi_fpd_aclk reset/slowest_sync_clk \
        interconnect/aclk fifo/s_axi_aclk decoder/aclk
    connect_pins processing_system/pl0_resetn reset/ext_reset_in
    connect_pins reset/peripheral_aresetn interconnect/aresetn fifo/s_axi_aresetn decoder/aresetn
    connect_interfaces \
        processing_system/M_AXI_FPD interconnect/S00_AXI \
        interconnect/M00_AXI fifo/S_AXI \
        interconnect/M01_AXI fifo/S_AXI_FULL \
        fifo/AXI_STR_TXD decoder/s_axis \
        decoder/m_axis fifo/AXI_STR_RXD
    assign_fifo_addresses fifo 0xA4000000 0xA4010000
    if {$weight_stream} connect_weight_fifo
    if {$weight_status} connect_weight_status
    validate_bd_design
    save_bd_design
    # One netlist: the block design is synthesised with the top, not block by block in runs of its own.
    set_property synth_checkpoint_mode None [get_files system.bd]
    generate_target all [get_files system.bd]
    read_verilog [make_wrapper -files [get_files system.bd] -top]
    update_compile_order -fileset sources_1
}
