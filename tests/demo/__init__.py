"""`make demo`: the main job, end to end, on a control plane and a tenant of its own."""
