"""WHO, SINCE WHEN, MEASURED WHEN: courses, windows, exposure, attrition and the analysis set."""
