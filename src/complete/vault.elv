# Completes vault's command line in elvish. It asks vault at each Tab.
use str

set edit:completion:arg-completer[vault] = {|@words|
    # Behind `vault exec PROFILE --` stands a command that has a completion of its own.
    var exec = $false
    var at = $nil
    for index [(range 1 (- (count $words) 1))] {
        if (eq $words[$index] exec) {
            set exec = $true
        } elif (and $exec (eq $words[$index] --)) {
            set at = $index
            break
        }
    }
    if $at {
        edit:complete-sudo (all $words[$at..])
    } else {
        try {
            { tmp E:AWS_VAULT_COMPLETE = elvish; e:vault -- (count $words) $@words 2>/dev/null } |
            from-lines | each {|line|
                var word help = (str:split &max=2 "\t" $line)
                var suffix = ' '
                if (str:has-suffix $word /) {
                    set suffix = ''
                }
                var display = $word
                if (not-eq $help '') {
                    set display = $word' ('$help')'
                }
                edit:complex-candidate $word &display=$display &code-suffix=$suffix
            }
        } catch nobody {
            nop
        }
    }
}
