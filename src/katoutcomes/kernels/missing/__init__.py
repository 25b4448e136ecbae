"""What was not observed: imputation, its pooling, and staying under observation."""
