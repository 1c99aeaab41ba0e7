# Completes vault's command line in fish. It asks vault at each Tab.
function __vault_complete
    set -l words (commandline --current-process --tokenize --cut-at-cursor)
    set -l begun (commandline --current-token --cut-at-cursor)

    # Behind `vault exec PROFILE --` stands a command that has a completion of its own.
    if set -l at (contains --index -- -- $words); and contains -- exec $words[1..$at]
        set -e words[1..$at]
        complete --do-complete (string join ' ' -- (string escape -- $words) $begun)
        return
    end

    # Where a quote is open, it stands before the word.
    set -l word (string unescape -- $begun 2>/dev/null)
    or set word (string replace --regex '^[\'"]' '' -- $begun)
    set -a words "$word"
    AWS_VAULT_COMPLETE=fish command vault -- (count $words) $words 2>/dev/null
end
complete --command vault --exclusive --keep-order --arguments '(__vault_complete)'
