"""A Franka Panda at a table with blocks, pads, plates, bowls, bins and boxes with lids."""
