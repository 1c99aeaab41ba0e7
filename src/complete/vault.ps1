# Completes vault's command line in PowerShell. It asks vault at each Tab.
Register-ArgumentCompleter -Native -CommandName 'vault', 'vault.exe' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    # The words up to the cursor, without quotes; the last is the one that is begun.
    $words = @()
    $begun = ''
    $exec = $false
    foreach ($element in $commandAst.CommandElements) {
        $start = $element.Extent.StartOffset
        if ($start -ge $cursorPosition) {
            break
        }
        if ($element.Extent.EndOffset -ge $cursorPosition) {
            $begun = $element.Extent.Text.Substring(0, $cursorPosition - $start)
            if ($begun -match '^[''"]') {
                $begun = $begun.Substring(1).TrimEnd($begun[0]).Replace("''", "'")
            }
            break
        }
        if ($element -is [System.Management.Automation.Language.StringConstantExpressionAst]) {
            $words += $element.Value
        } else {
            $words += $element.Extent.Text
        }
        if ($words[-1] -eq 'exec') {
            $exec = $true
        } elseif ($exec -and $words[-1] -eq '--') {
            # Behind it stands a command that has a completion of its own.
            $rest = $commandAst.Extent.Text.Substring($element.Extent.EndOffset - $commandAst.Extent.StartOffset)
            $rest = $rest.Substring(0, [Math]::Min($rest.Length, $cursorPosition - $element.Extent.EndOffset))
            $rest = $rest.TrimStart()
            if ($wordToComplete -eq '' -and $rest -ne '') {
                $rest = $rest.TrimEnd() + ' '
            }
            [System.Management.Automation.CommandCompletion]::CompleteInput($rest, $rest.Length, $null).CompletionMatches
            return
        }
    }
    $words += $begun

    $before = $env:AWS_VAULT_COMPLETE
    $env:AWS_VAULT_COMPLETE = 'powershell'
    try {
        $answer = & vault '--' $words.Count @words 2>$null
    } finally {
        # Where it was not set, this removes it.
        $env:AWS_VAULT_COMPLETE = $before
    }
    foreach ($line in $answer) {
        $word, $help = $line -split "`t", 2
        if (-not $help) {
            $help = $word
        }
        $text = $word
        if ($word -notmatch '^[A-Za-z0-9_./:=+-]+$') {
            $text = "'" + $word.Replace("'", "''") + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $word, 'ParameterValue', $help)
    }
}
