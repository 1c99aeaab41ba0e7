#compdef vault
# Completes vault's command line in zsh. It asks vault at each Tab.
_vault() {
    # Behind `vault exec PROFILE --` stands a command that has a completion of its own.
    local -i at=${words[(ie)--]}
    if (( at < CURRENT && ${words[(ie)exec]} < at )); then
        shift at words
        (( CURRENT -= at ))
        _normal
        return
    fi

    local -a answer values folders
    local line value
    answer=("${(@f)$(AWS_VAULT_COMPLETE=zsh command vault -- $CURRENT \
        "${(@Q)words[1,CURRENT-1]}" "${(Q)PREFIX}" 2>/dev/null)}")
    for line in $answer; do
        value=${${line%%$'\t'*}//\\/\\\\}
        value=${value//:/\\:}
        if [[ $value == */ ]]; then
            folders+=(${value%/})
        elif [[ $line == *$'\t' ]]; then
            values+=($value)
        else
            values+=($value:${line#*$'\t'})
        fi
    done
    (( $#folders )) && _describe 'folder' folders -S / -r /
    (( $#values )) && _describe 'value' values
}

# Read from a file in $fpath, it is called at once; read by a start-up file, it is only made known.
if [[ ${funcstack[1]} == _vault ]]; then
    _vault "$@"
else
    compdef _vault vault
fi
