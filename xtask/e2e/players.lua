-- For players.py: says of each file that mpv has played why it ended and how long it is.
local length = 0
mp.add_hook("on_unload", 50, function() length = mp.get_property_number("duration", 0) end)
mp.register_event("end-file", function(event)
  io.stdout:write(string.format("played\t%s\t%.3f\n", event.reason, length))
  length = 0
end)
