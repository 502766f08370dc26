# The words that only this machine knows: accounts, apps, posts, codes.
(( $+functions[_tiktok-up_values] )) ||
_tiktok-up_values() {
    local line
    local -a values
    for line in "${(@f)$("${(Q)words[1]}" __complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)}"; do
        [[ -n $line ]] && values+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    (( $#values )) && _describe -t values value values
}

