package rewrite

// RewriteDensely is Rewrite with as many charges as there can be, so that each pays for hardly more than what runs.
func RewriteDensely(binary []byte) (*Module, error) {
	return rewrite(binary, Options{}, density{})
}
