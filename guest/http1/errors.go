package http1

// errorStatus is the status with which a server answers each error (RFC 9110 section 15.5 and 15.6). An error without
// an entry is answered 400 (Bad Request). Whatever the status, the connection cannot go on.
var errorStatus = [...]Status{
	ErrorCodeTargetTooLong:               414,
	ErrorCodeHeadTooLarge:                431,
	ErrorCodeTooManyFields:               431,
	ErrorCodeTrailersTooLarge:            431,
	ErrorCodeTooManyTrailers:             431,
	ErrorCodeExpectation:                 417,
	ErrorCodeTransferEncodingUnsupported: 501,
	ErrorCodeVersionUnsupported:          505,
	ErrorCodeHTTP2Preface:                505,
	ErrorCodeTruncated:                   400,
}

// Status is the status with which a server answers the error. What a server has sent to a client is answered by a gateway
// that stands between the two: 502 (Bad Gateway).
func (e ErrorCode) Status(role Role) Status {
	switch {
	case e == ErrorCodeNone:
		return 0
	case role == RoleClient:
		return 502
	case int(e) < len(errorStatus) && errorStatus[e] != 0:
		return errorStatus[e]
	}
	return 400
}
