"""FHIR R4 bulk exports: NDJSON files of Observation, QuestionnaireResponse, Procedure and MedicationAdministration."""
