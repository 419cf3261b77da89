package carelog_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"aftercare/carelog"
	"aftercare/carelog/calendar"
	"aftercare/internal/ledger"
)

func TestExportedLedgerImportsAgainAndChangesNothing(t *testing.T) {
	t.Parallel()
	c := newCounty(t)
	c.addUser(c.office, "wang", "", carelog.Officer)
	body, err := os.Open("../cmd/aftercare/demo/county.csv")
	require.NoError(t, err)
	defer body.Close()
	table, err := ledger.Read(body, "county.csv")
	require.NoError(t, err)
	county := carelog.Ledger{Header: table.Header}
	for _, row := range table.Rows {
		county.Rows = append(county.Rows, carelog.LedgerRow{Number: row.Number, Cells: row.Cells})
	}
	report, err := c.app.ImportLedger(c.ctx(), c.officer, county, carelog.ImportOptions{AddVillages: true})
	require.NoError(t, err)
	require.Equal(t, 41, report.Enrolled)
	// A fact that changed since is in the file, and comes back with it.
	var moved carelog.RecipientID
	require.NoError(t, c.pool.QueryRow(c.ctx(), "SELECT id FROM recipients WHERE external_id = 'YY2026-005'").Scan(&moved))
	require.NoError(t, c.app.CorrectIdentity(c.ctx(), c.officer, moved, carelog.IdentityCorrection{Phone: "15400000777", Reason: "换号"}))

	out, err := c.app.ExportLedger(c.ctx(), c.boss, carelog.OfficeID{}, "other", "年度归档")
	require.NoError(t, err)
	require.Len(t, out.Rows, 41)
	before := c.names("SELECT md5(string_agg(r::text, '' ORDER BY id)) FROM recipients r UNION ALL SELECT md5(string_agg(a::text, '' ORDER BY id)) FROM aid_awards a UNION ALL SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM care_plans p")
	again, err := c.app.ImportLedger(c.ctx(), c.officer, out, carelog.ImportOptions{})
	require.NoError(t, err)
	require.Empty(t, again.Problems)
	require.Empty(t, again.Warnings)
	require.Equal(t, []int{41, 0}, []int{again.Unchanged, again.Enrolled})
	require.Equal(t, before, c.names("SELECT md5(string_agg(r::text, '' ORDER BY id)) FROM recipients r UNION ALL SELECT md5(string_agg(a::text, '' ORDER BY id)) FROM aid_awards a UNION ALL SELECT md5(string_agg(p::text, '' ORDER BY id)) FROM care_plans p"))

	t.Run("NoIdentityNumberAndNoChildsNameLeave", func(t *testing.T) {
		children := 0
		for _, row := range out.Rows {
			require.Empty(t, row.Cells["身份证号"])
			if born, err := calendar.Parse(row.Cells["出生日期"]); err == nil && born.AddYears(18).After(calendar.Of(tuesday)) {
				children++
				require.Contains(t, row.Cells["姓名"], "某")
				require.Empty(t, row.Cells["手机号"])
			}
		}
		require.Positive(t, children)
	})
	t.Run("StandsInEveryFileAndInTheAudit", func(t *testing.T) {
		require.Equal(t, 41, c.count("SELECT count(*) FROM history WHERE kind = 'file_unmasked'"))
		require.Equal(t, 1, c.count("SELECT count(*) FROM audit WHERE act = 'ledger_exported' AND detail = 'other 41'"))
	})
	t.Run("ARowThatSaysSomethingElseIsTold", func(t *testing.T) {
		out.Rows[7].Cells["救助金额(元)"] = "1"
		told, err := c.app.ImportLedger(c.ctx(), c.officer, out, carelog.ImportOptions{})
		require.NoError(t, err)
		require.Len(t, told.Warnings, 1)
	})
	t.Run("NeedsAPurposeAReasonAndASupervisor", func(t *testing.T) {
		_, err := c.app.ExportLedger(c.ctx(), c.boss, carelog.OfficeID{}, "", "")
		require.ErrorContains(t, err, "purpose")
		require.ErrorContains(t, err, "reason")
		_, err = c.app.ExportLedger(c.ctx(), c.officer, carelog.OfficeID{}, "other", "x")
		require.Equal(t, carelog.Forbidden, carelog.KindOf(err))
	})
}
