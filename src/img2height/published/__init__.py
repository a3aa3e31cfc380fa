"""Tables and figures as the papers print them, with our numbers beside theirs."""
