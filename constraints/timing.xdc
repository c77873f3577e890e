# SPDX-License-Identifier: Apache-2.0
# The clock, first of all constraints. The project writes its parameters above this line:
#   clock_port   the top's clock port
#   period_ns    its period
create_clock -name synfab -period $period_ns [get_ports $clock_port]
