package carelog

// Forgotten is the query of P1, for a test that asks it of one plan.
var Forgotten = forgotten
