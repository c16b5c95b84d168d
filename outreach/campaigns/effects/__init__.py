"""Effects: what a draw of departures showed, locked until a list covers the compared days, then frozen."""
