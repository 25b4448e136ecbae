"""ONE RULE A FILE of what is hidden before a result leaves the clinic; the door is `results/disclosure.py`."""
