# Completes vault's command line in bash. It asks vault at each Tab.
_vault() {
    local -i at
    local exec= line
    COMPREPLY=()

    # Behind `vault exec PROFILE --` stands a command that has a completion of its own.
    for ((at = 1; at < COMP_CWORD; at++)); do
        case ${COMP_WORDS[at]} in
            exec) exec=yes ;;
            --) [[ $exec ]] && break ;;
        esac
    done
    if ((at < COMP_CWORD)); then
        if declare -F _comp_command_offset >/dev/null; then
            _comp_command_offset $((at + 1))
        elif declare -F _command_offset >/dev/null; then
            _command_offset $((at + 1))
        elif ((at + 1 == COMP_CWORD)) && [[ $2 != */* ]]; then
            while IFS= read -r line; do
                [[ $line ]] && COMPREPLY+=("$line")
            done <<<"$(compgen -c -- "$2" | sort -u)"
        else
            compopt -o default 2>/dev/null
        fi
        return
    fi

    while IFS= read -r line; do
        [[ $line ]] && COMPREPLY+=("$line")
    done <<<"$(AWS_VAULT_COMPLETE=bash command vault -- "${COMP_LINE:0:COMP_POINT}" "$2" 2>/dev/null)"
    if [[ ${#COMPREPLY[@]} -eq 1 && ${COMPREPLY[0]} == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -o bashdefault -F _vault vault
