# Numbers for test_reference_paired_effects.py, made with R alone (no package):
#   Rscript paired_effects.R > ../paired_effects.json
# Signed rank test and interval: wilcox.test; two one-sided tests: t.test; probability of superiority: the score
# equation solved by uniroot; Fieller's limits: uniroot on the t statistic; adjusted change: lm and predict.
options(digits = 17)
number <- function(x) ifelse(is.na(x), "null", format(x, digits = 17, scientific = TRUE))
row <- function(name, ...) {
  fields <- list(...)
  body <- mapply(function(key, value) {
    text <- if (is.character(value)) paste0('"', value, '"') else number(value)
    if (length(value) > 1) text <- paste0("[", paste(text, collapse = ", "), "]")
    sprintf('"%s": %s', key, text)
  }, names(fields), fields)
  sprintf('  "%s": {%s}', name, paste(body, collapse = ", "))
}

sleep_1 <- sleep$extra[sleep$group == 1]; sleep_2 <- sleep$extra[sleep$group == 2]
# Made up: no two changes alike in size.
untied <- c(-8.31, -6.72, -5.94, -4.25, -3.18, -2.47, -1.93, -0.86, 0.41, 1.29, 2.36, -7.05, -9.88, -10.41, 3.77)
many <- qnorm(((1:80) * sqrt(2)) %% 1) * 4 - 1.5            # 80 changes: beyond the exact range
tied <- c(-6, -6, -4, -3, -3, -3, -1, 0, 0, 1, 1, 2, -8, -5, -5, -2, 4, -7)

walsh <- function(x) { m <- outer(x, x, "+") / 2; sort(m[lower.tri(m, diag = TRUE)]) }
normal_place <- function(n, level) {
  max(1, ceiling(n * (n + 1) / 4 + qnorm((1 - level) / 2) * sqrt(n * (n + 1) * (2 * n + 1) / 24) - 0.5))
}
by_ranks <- function(x, level, exact) {
  test <- suppressWarnings(wilcox.test(x, conf.int = TRUE, conf.level = level))
  w <- walsh(x)
  k <- if (exact) { q <- qsignrank((1 - level) / 2, length(x)); max(1, q) } else normal_place(length(x), level)
  list(statistic = unname(test$statistic), p_value = test$p.value, estimate = median(w),
       limits = c(w[k], w[length(w) + 1 - k]), r_limits = as.numeric(test$conf.int),
       r_estimate = unname(test$estimate))
}
rows <- c()
for (level in c(0.95, 0.9)) for (name in c("untied", "many", "tied", "sleep")) {
  x <- switch(name, untied = untied, many = many, tied = tied, sleep = sleep_2 - sleep_1)
  found <- by_ranks(x, level, name == "untied")
  rows <- c(rows, do.call(row, c(list(sprintf("%s %s", name, level), changes = x, level = level), found)))
}

tost <- function(x, margin) c(t.test(x, mu = -margin, alternative = "greater")$p.value,
                              t.test(x, mu = margin, alternative = "less")$p.value,
                              t.test(x, mu = -margin, alternative = "less")$p.value,
                              t.test(x, mu = margin, alternative = "greater")$p.value)
d <- sleep_2 - sleep_1
rows <- c(rows, row("equivalence", p_values = tost(d, 2.5), limits = as.numeric(t.test(d, conf.level = 0.9)$conf.int)))
share <- function(m) c(t.test(d + m * sleep_1, alternative = "greater")$p.value,
                       t.test(d - m * sleep_1, alternative = "less")$p.value)
rows <- c(rows, row("equivalence, share", p_values = share(0.3)))

# Tango's score for a difference in paired shares, with a continuity correction of 1; the probability of superiority
# is (1 + difference)/2. Without ties it is the interval of prop.test with its correction.
score <- function(delta, b, c, n, z) {
  B <- -b - c + (2 * n - b + c) * delta; C <- -c * delta * (1 - delta)
  q <- (sqrt(B^2 - 8 * n * C) - B) / (4 * n)
  pmax(abs(b - c - n * delta) - 1, 0)^2 - z^2 * n * (2 * q + delta * (1 - delta))
}
superiority <- function(i, u, w) {
  n <- i + u + w; d <- (i - w) / n; z <- qnorm(0.975)
  ends <- c(uniroot(score, c(-0.9999, d - 1 / n), i, w, n, z, tol = 1e-15)$root,
            uniroot(score, c(min(d + 1 / n, 0.9998), 0.9999), i, w, n, z, tol = 1e-15)$root)
  (1 + c(d, ends)) / 2
}
rows <- c(rows, row("superiority 30 4 6", values = superiority(30, 4, 6)), row("superiority 8 1 3", values = superiority(8, 1, 3)),
          row("superiority 15 0 5", values = c(0.75, prop.test(15, 20)$conf.int)),
          row("superiority 20 0 0", values = c(1, prop.test(20, 20)$conf.int)))

before <- c(20, 18, 25, 17, 22, 19, 14, 23); after <- c(10, 12, 20, 16, 12, 9, 11, 15)
ratio <- function(theta) abs(t.test(after - theta * before)$statistic) - qt(0.975, length(before) - 1)
centre <- mean(after) / mean(before)
rows <- c(rows, row("relative", before = before, after = after, values = c(mean(after - before) / mean(before),
  uniroot(ratio, c(centre - 2, centre), tol = 1e-14)$root - 1, uniroot(ratio, c(centre, centre + 2), tol = 1e-14)$root - 1)))
fit <- lm(I(after - before) ~ before)
at <- predict(fit, data.frame(before = 21), se.fit = TRUE, interval = "confidence")
rows <- c(rows, row("adjusted", at = 21, values = c(at$fit[1, ], at$se.fit, at$df, coef(fit)[[2]])))

cat("{\n", paste(rows, collapse = ",\n"), "\n}\n", sep = "")
