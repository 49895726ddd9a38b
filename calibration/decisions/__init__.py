"""From two uncertainties to one decision: act, look, repair, ask or abstain."""
