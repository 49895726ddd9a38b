"""The simulated worlds as an agent meets them: questions, views, plans and what they do."""
