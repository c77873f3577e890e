# SPDX-License-Identifier: Apache-2.0
# IP integrator: cells know the pins, interfaces and options of their IP (PG352, PG164, PG247, PG080, PG144), so that a
# wrong name, a pin left open, a pin driven twice and an overlapping address are errors here as they are there.

# Per IP: input and output pins that must be connected, other output pins, slave and master interfaces, options.
set recorder_ip {
    versal_cips {
        in m_axi_fpd_aclk out {pl0_ref_clk pl0_resetn} slave {} master M_AXI_FPD
        options {DESIGN_MODE CLOCK_MODE PS_PL_CONNECTIVITY_MODE PS_PMC_CONFIG}
    }
    proc_sys_reset {
        in {slowest_sync_clk ext_reset_in} out {peripheral_aresetn interconnect_aresetn} slave {} master {}
        options {}
    }
    smartconnect {in {aclk aresetn} out {} slave S00_AXI master {} options {NUM_SI NUM_MI}}
    axi_fifo_mm_s {
        in {s_axi_aclk s_axi_aresetn} out interrupt slave {S_AXI S_AXI_FULL AXI_STR_RXD} master AXI_STR_TXD
        options {
            C_DATA_INTERFACE_TYPE C_S_AXI4_DATA_WIDTH C_USE_TX_CTRL C_TX_FIFO_DEPTH C_RX_FIFO_DEPTH C_USE_RX_DATA
        }
    }
    axi_gpio {
        in {s_axi_aclk s_axi_aresetn gpio_io_i} out {} slave S_AXI master {} options {C_GPIO_WIDTH C_ALL_INPUTS}
    }
}
set recorder_pmc_options {
    DESIGN_MODE CLOCK_MODE PS_PL_CONNECTIVITY_MODE PS_USE_PMCPL_CLK0 PMC_CRP_PL0_REF_CTRL_FREQMHZ
    PS_NUM_FABRIC_RESETS PS_USE_M_AXI_FPD
}

# cell -> description; what is connected; segment -> {first last}
set recorder_cells {}
set recorder_connected {}
set recorder_addresses {}
set recorder_design {}

proc create_bd_design {args} {
    set found [options create_bd_design {} {-dir} $args]
    if {![file isdirectory [dict get $found -dir]]} { error "create_bd_design: no such folder" }
    set name [dict get $found ""]
    set ::recorder_design [file join [dict get $found -dir] $name $name.bd]
}

proc create_bd_cell {args} {
    set found [options create_bd_cell {} {-type -vlnv -reference} $args]
    if {[dict get $found -type] eq "ip"} {
        if {![regexp {^xilinx\.com:ip:(\w+)$} [dict get $found -vlnv] -> ip]} { error "create_bd_cell: vlnv" }
        set cell [dict get $::recorder_ip $ip]
    } else {
        set cell [cell_of_module [dict get $found -reference]]
    }
    dict set ::recorder_cells [dict get $found ""] $cell
}

# The segments of all FIFOs, and of registers.
proc segments {} {
    set found {}
    dict for {name cell} $::recorder_cells {
        if {"S_AXI_FULL" in [dict get $cell slave]} {
            lappend found $name/S_AXI/Mem0 $name/S_AXI_FULL/Mem1
        } elseif {"gpio_io_i" in [dict get $cell in]} {
            lappend found $name/S_AXI/Reg
        }
    }
    return $found
}

# What the value of an option adds to a cell, or takes from it.
proc reshape_cell {name option value} {
    set cell [dict get $::recorder_cells $name]
    if {$option eq "NUM_MI"} {
        for {set port 0} {$port < $value} {incr port} { dict lappend cell master [format M%02d_AXI $port] }
    } elseif {$option eq "C_USE_RX_DATA" && !$value} {
        dict set cell slave [lsearch -inline -all -not [dict get $cell slave] AXI_STR_RXD]
    }
    dict set ::recorder_cells $name $cell
}

# A module reference: an interface is inferred from a complete set of stream ports. A TUSER that the other side lacks
# is tied to 0; packets of the FIFO need TLAST, entries of weights do not.
proc cell_of_module {module} {
    if {![dict exists $::recorder_modules $module]} { error "create_bd_cell: module $module was not read" }
    set ports [dict get $::recorder_modules $module]
    set cell [dict create in {} out {} slave {} master {} options {}]
    foreach {prefix kind forward backward optional} {
        s_axis slave IN OUT tuser m_axis master OUT IN tuser w_axis slave IN OUT {tlast tuser}
    } {
        set complete 1
        set signals [list tdata $forward tvalid $forward tready $backward tlast $forward tuser $forward]
        foreach {signal direction} $signals {
            set port ${prefix}_$signal
            if {![dict exists $ports $port]} {
                if {$signal ni $optional} { set complete 0 }
            } elseif {[dict get $ports $port] ne $direction} {
                set complete 0
            }
            dict unset ports $port
        }
        if {$complete} { dict lappend cell $kind $prefix }
    }
    dict for {port direction} $ports { dict lappend cell [string tolower $direction] $port }
    return $cell
}

# Return CELL/NAME if the cell has it among these kinds.
proc cell_object {command path kinds} {
    lassign [split $path /] cell name
    if {![dict exists $::recorder_cells $cell]} { error "$command: no cell $cell" }
    foreach kind $kinds {
        if {$name in [dict get $::recorder_cells $cell $kind]} { return $path }
    }
    error "$command: cell $cell has no [join $kinds { or }] $name"
}
proc get_bd_pins {path} { return [cell_object get_bd_pins $path {in out}] }
proc get_bd_intf_pins {path} { return [cell_object get_bd_intf_pins $path {slave master}] }
proc get_bd_cells {name} {
    if {![dict exists $::recorder_cells $name]} { error "get_bd_cells: no cell $name" }
    return "cell:$name"
}
proc get_bd_addr_spaces {path} { return [cell_object get_bd_addr_spaces $path master] }
proc get_bd_addr_segs {path} {
    if {$path ni [segments]} { error "get_bd_addr_segs: no segment $path" }
    return $path
}

proc connect {command source target from to} {
    record $command [list $source $target]
    cell_object $command $source $from
    cell_object $command $target $to
    if {$target in $::recorder_connected} { error "$command: $target is driven twice" }
    lappend ::recorder_connected $source $target
}
proc connect_bd_net {source target} { connect connect_bd_net $source $target out in }
proc connect_bd_intf_net {source target} {
    if {$source in $::recorder_connected} { error "connect_bd_intf_net: $source is connected twice" }
    connect connect_bd_intf_net $source $target master slave
}

proc set_property {args} {
    set found [options set_property {} {-dict} $args]
    if {[dict exists $found -dict]} {
        set name [string range [join [dict get $found ""]] 5 end]
        foreach {key value} [dict get $found -dict] {
            set option [string range $key 7 end]
            if {![string match CONFIG.* $key] || $option ni [dict get $::recorder_cells $name options]} {
                error "set_property: $name has no $key"
            }
            reshape_cell $name $option $value
            if {$option eq "PS_PMC_CONFIG"} {
                foreach {inner setting} $value {
                    if {$inner ni $::recorder_pmc_options} { error "set_property: PS_PMC_CONFIG has no $inner" }
                }
                # The processing system brings the constraint of its fabric clock along.
                set frequency [dict get $value PMC_CRP_PL0_REF_CTRL_FREQMHZ]
                dict set ::recorder_clocks clk_pl_0 [expr {1000.0 / $frequency}]
            }
        }
    } elseif {[dict get $found ""] ni [list {source_mgmt_mode All project} \
            [list synth_checkpoint_mode None $::recorder_design]]} {
        error "set_property: unknown property in '[dict get $found ""]'"
    }
}

proc assign_bd_address {args} {
    set found [options assign_bd_address {} {-offset -range -target_address_space} $args]
    if {![regexp {^(\d+)K$} [dict get $found -range] -> kilobytes]} { error "assign_bd_address: range" }
    set first [expr {[dict get $found -offset]}]
    set last [expr {$first + $kilobytes * 1024 - 1}]
    # AM011: M_AXI_FPD reaches 0xA4000000 to 0xAFFFFFFF; a segment is aligned to its length.
    if {$first < 0xA4000000 || $last > 0xAFFFFFFF || $first % ($kilobytes * 1024)} {
        error "assign_bd_address: M_AXI_FPD does not reach [dict get $found -offset]"
    }
    foreach {begin end} [concat {*}[dict values $::recorder_addresses]] {
        if {$first <= $end && $begin <= $last} { error "assign_bd_address: segments overlap" }
    }
    dict set ::recorder_addresses [dict get $found ""] [list $first $last]
}

proc validate_bd_design {args} {
    options validate_bd_design {} {} $args
    dict for {name cell} $::recorder_cells {
        foreach pin [concat [dict get $cell in] [dict get $cell slave] [dict get $cell master]] {
            if {"$name/$pin" ni $::recorder_connected} { error "validate_bd_design: $name/$pin is open" }
        }
    }
    foreach segment [segments] {
        if {![dict exists $::recorder_addresses $segment]} { error "validate_bd_design: $segment has no address" }
    }
}

proc save_bd_design {args} {
    options save_bd_design {} {} $args
    file mkdir [file dirname $::recorder_design]
    write_file $::recorder_design "block design\n"
}

proc get_files {args} {
    set found [options get_files {} {} $args]
    if {[dict get $found ""] ne [file tail $::recorder_design] || ![file isfile $::recorder_design]} {
        error "get_files: no file '[dict get $found ""]'"
    }
    return $::recorder_design
}

proc generate_target {args} {
    set found [options generate_target {} {} $args]
    if {[dict get $found ""] ne [list all $::recorder_design]} { error "generate_target: wants all and a file" }
}

proc make_wrapper {args} {
    set found [options make_wrapper {-top} {-files} $args]
    set name [file rootname [file tail [dict get $found -files]]]_wrapper
    set path [file join [file dirname $::recorder_design] hdl $name.v]
    file mkdir [file dirname $path]
    write_file $path "module $name ();\nendmodule\n"
    return $path
}
