"""The demo workspace: a made-up maker of weather stations, and the customers it helps. Nobody in it exists."""
