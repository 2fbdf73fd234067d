package llhttp

// Unwrap is for tests.
var Unwrap = unwrap
