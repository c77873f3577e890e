# SPDX-License-Identifier: Apache-2.0
# Constraints, read as Vivado reads XDC: only the commands of UG903, "Valid Commands in an XDC File", exist.

# clock -> period in ns
set recorder_clocks {}
set recorder_ports {}

proc constrain {path ports} {
    set ::recorder_ports $ports
    interp create -safe xdc
    foreach command [interp eval xdc {info commands}] {
        if {$command ni {set expr list}} { interp hide xdc $command }
    }
    foreach command {create_clock set_input_delay set_output_delay set_property get_ports} {
        interp alias xdc $command {} xdc_$command
    }
    if {[catch {interp eval xdc [read_text $path]} message]} { error "$path: $message" }
    interp delete xdc
}

proc xdc_create_clock {args} {
    set found [options xdc:create_clock {} {-name -period} $args]
    if {![llength [join [dict get $found ""]]]} { error "create_clock has no port" }
    if {[dict get $found -period] <= 0} { error "create_clock has no period" }
    dict set ::recorder_clocks [dict get $found -name] [dict get $found -period]
}

proc xdc_delay {command arguments} {
    set found [options $command {} {-clock -max} $arguments]
    if {![dict exists $::recorder_clocks [dict get $found -clock]]} { error "$command comes before its clock" }
    if {![llength [join [dict get $found ""]]]} { error "$command has no port" }
    if {![string is double -strict [dict get $found -max]]} { error "$command has no delay" }
}
proc xdc_set_input_delay {args} { xdc_delay xdc:set_input_delay $args }
proc xdc_set_output_delay {args} { xdc_delay xdc:set_output_delay $args }

proc xdc_set_property {args} {
    set found [options xdc:set_property {-quiet} {-dict} $args]
    if {[dict exists $found -dict]} {
        foreach {key value} [dict get $found -dict] {
            if {$key ni {PACKAGE_PIN IOSTANDARD}} { error "set_property: unknown property $key" }
        }
        set objects [join [dict get $found ""]]
    } else {
        lassign [dict get $found ""] key value objects
        if {$key ni {PACKAGE_PIN IOSTANDARD}} { error "set_property: unknown property $key" }
    }
    if {![llength $objects] && ![dict exists $found -quiet]} { error "set_property has no object" }
}

# Ports by name, or those that pass a filter of comparisons joined by &&.
proc xdc_get_ports {args} {
    set found [options xdc:get_ports {-quiet} {-filter} $args]
    set names [dict get $found ""]
    if {[dict exists $found -filter]} {
        foreach {port direction} $::recorder_ports {
            if {[passes [dict get $found -filter] $port $direction]} { lappend names $port }
        }
    }
    set known {}
    foreach name $names {
        if {[dict exists $::recorder_ports $name]} {
            lappend known $name
        } elseif {![dict exists $found -quiet]} {
            error "get_ports: the top has no port $name"
        }
    }
    return $known
}

proc passes {filter port direction} {
    foreach term [split [string map {&& \n} $filter] \n] {
        lassign $term key operator value
        set actual [dict get [dict create NAME $port DIRECTION $direction] $key]
        if {$operator ni {== !=}} { error "get_ports: unknown operator $operator" }
        if {($actual eq $value) != ($operator eq "==")} { return 0 }
    }
    return 1
}
