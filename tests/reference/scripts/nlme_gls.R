# nlme::gls on the Orthodont data of package nlme with scores set to missing by a fixed rule: unstructured
# (corSymm + varIdent), compound symmetry and autoregressive correlations, REML and ML.
#
# Made with R 4.2.2, nlme 3.1-162 and jsonlite. From the folder of this script:
#   Rscript nlme_gls.R ../nlme_gls.json
#
# The file holds the data (27 children, 4 ages) as well, so the test needs nothing else. Where gls stops by itself its
# digits end early, so its tolerances are set to the last digits.

suppressPackageStartupMessages({
  library(nlme)
  library(jsonlite)
})

target <- commandArgs(trailingOnly = TRUE)[1]
long <- as.data.frame(Orthodont)
long$visit <- match(long$age, c(8, 10, 12, 14))
long$child <- match(as.character(long$Subject), unique(as.character(long$Subject)))
# Every fifth child leaves after the second age, and every seventh lacks the third.
long$kept <- !(long$child %% 5 == 0 & long$visit > 2) & !(long$child %% 7 == 0 & long$visit == 3)
long$female <- as.numeric(long$Sex == "Female")
wide <- lapply(split(long, long$child), function(one) {
  one <- one[order(one$visit), ]
  list(female = one$female[1], distance = ifelse(one$kept, one$distance, NA))
})
used <- long[long$kept, ]
used <- used[order(used$child, used$visit), ]
used$visit_name <- factor(used$visit)

tight <- glsControl(
  tolerance = 1e-12, msTol = 1e-14, maxIter = 500, msMaxIter = 2000, opt = "nlminb", returnObject = TRUE
)
one_fit <- function(correlation, weights, method) {
  fit <- gls(
    distance ~ visit_name * female, data = used, correlation = correlation, weights = weights, method = method,
    control = tight, na.action = na.fail
  )
  variance <- unname(vcov(fit))
  list(
    log_likelihood = as.numeric(logLik(fit)), coefficients = unname(coef(fit)),
    covariance = lapply(seq_len(nrow(variance)), function(row) variance[row, ]),
    sigma = fit$sigma
  )
}
structures <- list(
  us = function(method) one_fit(corSymm(form = ~ visit | child), varIdent(form = ~ 1 | visit_name), method),
  cs = function(method) one_fit(corCompSymm(form = ~ visit | child), NULL, method),
  csh = function(method) one_fit(corCompSymm(form = ~ visit | child), varIdent(form = ~ 1 | visit_name), method),
  ar1 = function(method) one_fit(corAR1(form = ~ visit | child), NULL, method),
  ar1h = function(method) one_fit(corAR1(form = ~ visit | child), varIdent(form = ~ 1 | visit_name), method)
)
fits <- lapply(structures, function(make) list(REML = make("REML"), ML = make("ML")))
results <- list(
  source = "nlme Orthodont with scores set to missing; R 4.2.2, nlme 3.1-162; nlme_gls.R",
  female = sapply(wide, function(one) one$female),
  distance = lapply(unname(wide), function(one) one$distance),
  fits = fits
)

# toJSON stops at 15 significant digits: numbers are written as text with 17 and the quotation marks taken off.
as_text <- rapply(results, function(x) {
  x[] <- ifelse(is.na(x), "null", sprintf("%.17g", x))
  x
}, classes = c("numeric", "integer"), how = "replace")
json <- toJSON(as_text, auto_unbox = TRUE, pretty = TRUE)
writeLines(gsub('"(-?[0-9]+(\\.[0-9]+)?(e[-+]?[0-9]+)?|null)"', "\\1", json), target)
