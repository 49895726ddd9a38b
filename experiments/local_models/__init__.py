"""What is known of this project's own models: what they learned from, and tasks to try them on.

Compressing, merging and diagnosing need texts or images of the kind that a model learned from, and
tasks that it never saw. Those of the agent's models follow from the agent's prompts and perception,
so that they stand above the agent; studies and the command line use them.
"""
