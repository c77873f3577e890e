# SPDX-License-Identifier: Apache-2.0
# Reports of a stage: Vivado's own as text, and the slack as JSON, straight from the timing engine.

# Return a JSON string of any text.
proc json_string {text} {
    return "\"[string map {\\ \\\\ \" \\\" \n \\n \t \\t} $text]\""
}

# Whether a property holds a number: Vivado answers with nothing, or with infinity, where no clock times a path.
proc is_number {value} {
    return [expr {[string is double -strict $value] && abs($value) < 1e9}]
}

# Return a JSON number with the timing engine's resolution, 1 ps; null where nothing is timed.
proc json_ns {value} {
    if {![is_number $value]} { return null }
    return [format %.3f $value]
}

# Return the worst slack, the sum of the negative slacks and the number of endpoints with one, of 'max' (setup)
# or 'min' (hold). Vivado answers with the worst path of each endpoint, so the sum is the TNS of its summary.
proc slack_sums {delay_type} {
    set worst [get_timing_paths -quiet -delay_type $delay_type -max_paths 1]
    if {[llength $worst] == 0} { return [list "" "" 0] }
    set total 0.0
    set failing [get_timing_paths -quiet -delay_type $delay_type -max_paths 1000000 -slack_lesser_than 0]
    foreach path $failing { set total [expr {$total + [get_property SLACK $path]}] }
    return [list [get_property SLACK [lindex $worst 0]] $total [llength $failing]]
}

# Write timing.json of a stage, whole or not at all, and return the worst setup slack in ns.
proc write_timing_json {path stage} {
    global flow part build_top clock_mhz design
    lassign [slack_sums max] wns tns setup_failing
    lassign [slack_sums min] whs ths hold_failing
    if {![is_number $wns]} {
        refuse "a build must have a path that a clock times and $build_top has none;\
            check clock_port and the pins file"
    }
    set worst [lindex [get_timing_paths -delay_type max -max_paths 1] 0]
    set clock [get_property ENDPOINT_CLOCK $worst]
    set period [expr {1000.0 / $clock_mhz}]
    if {$clock ne ""} { set period [get_property PERIOD [get_clocks $clock]] }
    set fields [list \
        design [json_string $design] \
        flow [json_string $flow] \
        stage [json_string $stage] \
        tool [json_string vivado] \
        version [json_string [version -short]] \
        part [json_string $part] \
        clock [json_string $clock] \
        period_ns [json_ns $period] \
        achieved_period_ns [json_ns [expr {$period - $wns}]] \
        wns_ns [json_ns $wns] \
        tns_ns [json_ns $tns] \
        setup_failing $setup_failing \
        whs_ns [json_ns $whs] \
        ths_ns [json_ns $ths] \
        hold_failing $hold_failing \
        logic_levels [format %d [get_property LOGIC_LEVELS $worst]] \
        startpoint [json_string [get_property STARTPOINT_PIN $worst]] \
        endpoint [json_string [get_property ENDPOINT_PIN $worst]]]
    set lines {}
    foreach {key value} $fields { lappend lines "  [json_string $key]: $value" }
    set file [open $path.part w]
    puts $file "{\n[join $lines ",\n"]\n}"
    close $file
    file rename -force $path.part $path
    return $wns
}

# Write all reports of a stage of the open design and return the worst setup slack in ns.
proc report_stage {stage} {
    global root flow
    set folder [file join $root reports $flow $stage]
    file mkdir $folder
    report_utilization -file [file join $folder utilization.rpt]
    report_utilization -hierarchical -file [file join $folder utilization_hierarchical.rpt]
    report_timing_summary -file [file join $folder timing_summary.rpt]
    return [write_timing_json [file join $folder timing.json] $stage]
}
